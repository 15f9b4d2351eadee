"""Signals in: Kaggle CSVs and synthetic ECGs, their validation and the index."""
