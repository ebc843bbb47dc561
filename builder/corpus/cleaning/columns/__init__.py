"""Cleaning by columns: the texts, lines and edits of a batch of pages as arrays, without an object for each."""
