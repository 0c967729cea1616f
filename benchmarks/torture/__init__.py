"""Torture: load, faults and time, and whether the service stands them."""
