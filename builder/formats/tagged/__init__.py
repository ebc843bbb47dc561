"""CoNLL files: rows, tags, schemes, and texts joined from tokens."""
