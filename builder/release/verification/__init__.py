"""Derivation of everything in a release that follows from its rows, compared with what the release holds."""
