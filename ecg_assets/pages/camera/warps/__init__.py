"""Geometry of a picture of a page: how the paper is bent, and where the camera stands."""
