"""Rules proposed from what recurs at the edges of a source's pages, and how a person applies them."""
