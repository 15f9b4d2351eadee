"""The empty paper: drawn from a style, or the user's own scan."""
