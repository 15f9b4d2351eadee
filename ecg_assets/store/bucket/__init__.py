"""A data root in a bucket: its working copy, what becomes visible together, transfers."""
