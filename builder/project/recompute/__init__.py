"""Agreement and gold of a release, computed again from its published annotations."""
