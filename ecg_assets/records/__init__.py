"""Reads records (Kaggle CSVs, WFDB, synthetic ECGs), validates them, and writes the index."""
