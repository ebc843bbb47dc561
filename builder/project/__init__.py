"""A project's state: its files, tables, batches, annotations and releases."""
