"""Stores weights and optimizer state on disk."""
