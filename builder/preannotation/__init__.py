"""Sources of pre-annotations: an earlier release, a gazetteer, a program."""
