"""Trains in one replica: steps, losses, recovery, validation."""
