"""How fast pages, samples and readings are made."""
