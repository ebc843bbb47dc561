"""Votes on spans, stances and questions, counted over columns."""
