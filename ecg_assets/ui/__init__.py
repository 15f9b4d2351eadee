"""How Dagster's UI is served: to the user of this machine, and to no page of another site."""
