"""Releases as files of other tools: CoNLL, brat, spaCy, JSON Lines."""
