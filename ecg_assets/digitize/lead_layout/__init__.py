"""Finds which lead stands where on a page."""
