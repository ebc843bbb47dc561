"""What a file is, by its name and its bytes: its format, the files in an archive, annotations, damaged text."""
