"""What changed between two releases, and the version number it asks for."""
