"""Lays out a page: places of leads, pulses and texts."""
