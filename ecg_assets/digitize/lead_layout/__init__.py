"""Which lead stands where."""
