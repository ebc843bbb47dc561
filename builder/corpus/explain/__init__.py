"""Explanation of the cleaning of a page, as text and as HTML."""
