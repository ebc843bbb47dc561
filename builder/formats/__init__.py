"""Formats of published datasets: files to documents and annotations, and releases to files."""
