"""Access to any Label Studio server: the connection, and the project of a batch."""
