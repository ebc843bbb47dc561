"""Download annotations from Label Studio: only what changed, kept in a local cache."""
