"""The TPU machine: what it is, and several hosts of a slice."""
