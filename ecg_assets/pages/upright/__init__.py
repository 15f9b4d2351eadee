"""The upright page as it is printed."""
