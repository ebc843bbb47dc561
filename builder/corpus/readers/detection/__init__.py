"""Detection of a file's content from its name and bytes: format, files in an archive, annotations, damaged text."""
