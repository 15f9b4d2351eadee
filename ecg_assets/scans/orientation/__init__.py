"""Which way up a page lies."""
