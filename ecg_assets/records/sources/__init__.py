"""Kinds of sources of records, and what they share."""
