"""Draws the upright page as printed."""
