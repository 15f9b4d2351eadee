"""A code location that loads at once, for tests of how it is served."""

import dagster as dg


@dg.asset
def touched() -> None:
    """Nothing; a run of it shows that somebody was let in."""


definitions = dg.Definitions([touched])
