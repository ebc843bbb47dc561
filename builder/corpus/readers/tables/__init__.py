"""The layout and the columns of tables."""
