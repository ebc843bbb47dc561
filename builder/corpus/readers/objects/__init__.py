"""Readers of files that hold objects with named fields: JSON Lines, JSON of other shapes, XML corpora."""
