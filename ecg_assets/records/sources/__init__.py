"""Kinds of sources of records, and their common interface."""
