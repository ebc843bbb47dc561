"""What all commands share: options, progress and output."""
