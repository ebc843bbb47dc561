"""What is asked of any Label Studio server: the connection, and which project is whose."""
