"""Comparison of two releases, and the version step that their changes require."""
