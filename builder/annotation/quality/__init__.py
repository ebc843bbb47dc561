"""Quality checks of annotations and statistics of annotators."""
