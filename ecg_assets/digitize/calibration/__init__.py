"""Finds paper speed, gain and the printed extent."""
