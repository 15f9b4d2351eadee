"""Finds the orientation of a page."""
