"""Finds traces in ink."""
