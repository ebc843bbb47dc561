"""khabar: from raw Arabic news to annotated, versioned Hugging Face datasets."""
