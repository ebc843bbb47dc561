"""Train, validation and test splits without leakage."""
