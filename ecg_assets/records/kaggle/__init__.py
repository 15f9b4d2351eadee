"""Reads and downloads the Kaggle competition's files: its folder, its client, and subsets."""
