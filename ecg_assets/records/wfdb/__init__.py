"""Recordings in WFDB's format."""
