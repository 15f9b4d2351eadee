"""Storage and execution: data root, atomic writes, manifests, fingerprints and the worker pool."""
