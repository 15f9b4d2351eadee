"""From strokes and lines to pixels, and PNG files."""
