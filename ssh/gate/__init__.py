"""Hardened nodes: what they run is signed for the very connection, or a fact (ADR 0110)."""
