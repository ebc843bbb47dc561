"""Active learning: which articles to annotate next."""
