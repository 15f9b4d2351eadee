"""Defines and builds the networks."""
