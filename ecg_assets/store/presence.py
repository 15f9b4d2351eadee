"""Which of very many files are there: of a million records there are millions of files."""

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

# For fewer names of one folder, asking for each is cheaper than listing the folder.
_WORTH_LISTING = 100


class Presence:
    """What lies below a folder, at the moment at which it is first asked for; folders of many files are listed once.

    Keep it for one look at a stage only: it neither sees what is written later nor forgets the names that it has read.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._listed: dict[str, set[str]] = {}

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of the names, relative to the root, of which there is no file; in their order within each folder."""
        by_folder: dict[str, list[str]] = defaultdict(list)
        for name in names:
            by_folder[name.rpartition("/")[0]].append(name)
        return [name for folder, asked in by_folder.items() for name in self._missing_in(folder, asked)]

    def _missing_in(self, folder: str, names: list[str]) -> list[str]:
        if len(names) < _WORTH_LISTING and folder not in self._listed:
            # os.path is several times faster than pathlib.
            return [name for name in names if not os.path.exists(f"{self._root}/{name}")]  # noqa: PTH110
        there, start = self._names_in(folder), len(folder) + 1 if folder else 0
        return [name for name in names if name[start:] not in there]

    def _names_in(self, folder: str) -> set[str]:
        if folder not in self._listed:
            self._listed[folder] = _names_in(f"{self._root}/{folder}")
        return self._listed[folder]


def _names_in(folder: str) -> set[str]:
    try:
        with os.scandir(folder) as entries:
            # A link counts by what it leads to.
            return {one.name for one in entries if not one.is_symlink() or os.path.exists(one.path)}  # noqa: PTH110
    except (FileNotFoundError, NotADirectoryError):
        return set()
