"""Runs work in several processes of this machine, or on a Ray cluster."""
