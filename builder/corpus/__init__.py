"""From files to a batch: read, clean, group and choose. Knows nothing of annotation or release."""
