"""A page as scanners and phones see it: sheet, warps, effects, recipes."""
