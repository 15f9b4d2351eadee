"""Makes batches of crops for training."""
