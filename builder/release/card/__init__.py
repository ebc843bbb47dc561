"""The dataset card: facts, plots, metadata, rendering and checking."""
