"""What every normalisation profile shares; without the models, which workers that normalize text do not need."""

BUILT_IN = ("light@1", "standard@1")
"""Profiles that a dataset can use without defining them."""

LINE_ENDS = "\n\r\v\f\N{NEXT LINE}\N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}"
"""The characters that end a line, which no profile may change."""
