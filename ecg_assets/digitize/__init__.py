"""Reads an image of a paper ECG into twelve leads in millivolts, and scores the result."""
