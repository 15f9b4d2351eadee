"""Segments real images: tiles, orientation and overlays."""
