"""What a data root holds and how current it is, for the commands that tell of it."""
