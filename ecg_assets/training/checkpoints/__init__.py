"""Weights and optimizer state on disk."""
