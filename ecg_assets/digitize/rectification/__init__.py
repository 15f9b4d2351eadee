"""Rectifies the page in a picture to a known scale."""
