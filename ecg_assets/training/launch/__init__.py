"""Before and around a trainer's process: what is left, what is recorded, what occupies the device."""
