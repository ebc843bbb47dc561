"""Readers of every input format: text, tables, feeds, web pages, Hub datasets."""
