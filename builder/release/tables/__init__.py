"""The Arrow tables of a release's configs and their Parquet files."""
