"""The embedded Label Studio server: installation, process, database, backup."""
