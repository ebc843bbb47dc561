"""Everything that knows Label Studio: configuration, tasks, upload, download."""
