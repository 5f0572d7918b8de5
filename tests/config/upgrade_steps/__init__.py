"""Upgrade steps of an imagined future, found as the real ones are."""
