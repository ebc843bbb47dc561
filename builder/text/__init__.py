"""The Arabic text core: normalisation with the way back, tokens; no files, no services."""
