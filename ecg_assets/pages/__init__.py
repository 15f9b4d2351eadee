"""A record on paper: layout, grid, trace, text, masks and PNG."""
