"""Dagster resources: the data root, sources and the TPU."""
