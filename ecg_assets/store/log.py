"""A log: what a piece of work calls with each line that people should read."""

from collections.abc import Callable

Log = Callable[[str], None]
