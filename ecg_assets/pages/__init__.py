"""Draws records on paper: layout, grid, trace, text, masks and PNG."""
