"""The rows and the columns of each config."""
