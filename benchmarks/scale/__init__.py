"""What a million records cost."""
