"""Stand-off editions: a release without its texts, and the way back."""
