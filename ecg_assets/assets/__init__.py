"""Dagster assets, one file per stage, in the order of the data."""
