"""The type of a log: a function that is called with each line."""

from collections.abc import Callable

Log = Callable[[str], None]
