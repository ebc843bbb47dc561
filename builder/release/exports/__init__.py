"""Files of a release for other tools: CoNLL, Croissant, Masader, citation."""
