"""Converts traces to millivolts."""
