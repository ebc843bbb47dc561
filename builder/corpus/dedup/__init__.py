"""Near-duplicate detection: MinHash signatures, candidate pairs, exact comparison, groups."""
