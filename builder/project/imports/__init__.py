"""An imported set in a project: documents, batch, annotations and splits."""
