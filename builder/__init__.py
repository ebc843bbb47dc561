"""khabar: from raw Arabic news to annotated, versioned Hugging Face datasets."""

__version__ = "0.2.0"
"""Of khabar itself; pyproject.toml reads it here, as the metadata of an editable install may be older."""
