"""The Kaggle competition: its folder, its client, and subsets of its files."""
