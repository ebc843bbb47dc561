"""Mapping of characters on joined texts: tables, and what one pass of a table makes of code units."""
