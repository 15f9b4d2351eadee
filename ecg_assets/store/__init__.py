"""Data root, atomic writes, manifests, fingerprints and the worker pool."""
