"""Guests for the lab: one in a single sector, and a real Linux, built here from Debian's packages.

They are built into /var/cache/gnt-lab, which every node sees at the same place.
"""
