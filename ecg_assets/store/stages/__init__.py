"""Stages: shards and items that are made once, their manifests' state, and their integrity."""
