"""How well pages are read whose signal is known."""
