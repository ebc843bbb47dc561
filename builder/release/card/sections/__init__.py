"""Sections of the card that some datasets have: splits as they are, layers, imported sets."""
