"""The competition's submission file."""
