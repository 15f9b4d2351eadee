"""How fast pages and samples are made, against a plain matplotlib page of the same record."""
