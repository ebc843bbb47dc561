"""Run stages over shards: local processes, Ray or Dask."""
