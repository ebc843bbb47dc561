"""Dates as newspapers, feeds and databases write them, and warnings for those that cannot be read."""
