"""One replica's training: steps, losses, recovery, validation."""
