"""Writes the competition's submission file."""
