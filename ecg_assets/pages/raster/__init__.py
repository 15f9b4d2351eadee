"""Rasterises strokes and lines, and reads and writes PNG files."""
