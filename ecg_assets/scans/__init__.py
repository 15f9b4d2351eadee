"""Reading real images: tiles, orientation and overlays."""
