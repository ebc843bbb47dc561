"""Versions of labels.yaml in annotations/, pending migrations, and `khabar schema migrate`."""
