"""Scores digitised signals with the competition's metric."""
