"""Arabic text processing: offset-preserving normalisation, tokenisation and hashing. Pure functions, no I/O."""
