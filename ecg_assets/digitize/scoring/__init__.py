"""The competition's metric."""
