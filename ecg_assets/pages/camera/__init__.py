"""Simulates scans and photos of a page: sheet, warps, effects, recipes."""
