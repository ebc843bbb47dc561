"""Reading and writing files: atomic writes, JSON Lines, Parquet, YAML."""
