"""Reads recordings in WFDB's format."""
