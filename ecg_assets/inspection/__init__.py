"""Inspects a data root for the commands that report its content and whether it is current."""
