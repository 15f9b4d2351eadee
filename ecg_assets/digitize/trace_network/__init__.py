"""The network that finds traces on a flat page, and its training."""
