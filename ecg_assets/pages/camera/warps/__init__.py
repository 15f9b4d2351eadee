"""Geometry of a picture of a page: the paper's deformation and the camera."""
