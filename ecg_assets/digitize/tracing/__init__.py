"""From ink to traces."""
