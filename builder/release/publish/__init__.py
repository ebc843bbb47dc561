"""Publish a release and verify it: commit, read back, compare, tag."""
