"""Checks quickly which of millions of files exist."""

import os
import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

# For fewer names in one folder, checking each is faster than listing the folder.
_WORTH_LISTING = 100
# Listing more folders with a file or two takes minutes on a disk that is not cached.
_FOLDERS_ENTERED = 100_000

Hashes = npt.NDArray[np.int64]


class Presence:
    """The files below a folder at the time of the first query; folders of many files are listed once.

    A name exists only if it is a file: a folder in its place, or a link, does not count. Query a folder with a slash at
    its end.

    Listed names are stored as 64-bit hashes, because the names of millions of files take half a gigabyte. A missing
    file goes undetected through a hash collision in one of a million million cases.

    Folders with a few files each are listed, up to `_FOLDERS_ENTERED`. Beyond that, an existing folder counts for its
    files, because a record's files are written and removed together. `ecg-assets verify` checks every file.

    Use it for one pass over a stage only: it does not notice later writes.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._listed: set[str] = set()
        self._there: Hashes = np.empty(0, np.int64)  # sorted

    def missing(self, names: Iterable[str]) -> list[str]:
        """The names, relative to the root, without a file."""
        asked = list(names)
        unknown = [asked[place] for place in np.flatnonzero(~self._known(asked))]
        folders = [name.removesuffix("/").rpartition("/")[0] for name in unknown]
        for folder, many in Counter(folders).items():
            if many >= _WORTH_LISTING and folder not in self._listed:
                self._list(folder)
        small = list(dict.fromkeys(folder for folder in folders if folder not in self._listed))
        gone = set(self.missing(f"{one}/" for one in small)) if len(small) > _FOLDERS_ENTERED else None
        known = self._known(unknown).tolist()
        return [
            name
            for name, folder, listed in zip(unknown, folders, known, strict=True)
            if not (listed if folder in self._listed else self._is_there(name, folder, gone))
        ]

    def _is_there(self, name: str, folder: str, gone: set[str] | None) -> bool:
        if gone is not None:
            return f"{folder}/" not in gone
        try:
            mode = os.lstat(f"{self._root}/{name.removesuffix('/')}").st_mode
        except OSError:
            return False
        return stat.S_ISDIR(mode) if name.endswith("/") else stat.S_ISREG(mode)

    def _known(self, names: list[str]) -> npt.NDArray[np.bool_]:
        """For each name, whether it was listed."""
        hashes = np.fromiter(map(hash, names), np.int64, len(names))
        places = np.searchsorted(self._there, hashes)
        return np.append(self._there, 0)[places] == hashes if len(self._there) else np.zeros(len(names), np.bool_)

    def _list(self, folder: str) -> None:
        self._listed.add(folder)
        listed = _hashes_in(f"{self._root}/{folder}", f"{folder}/" if folder else "")
        self._there = np.sort(np.concatenate([self._there, listed]))


def _hashes_in(path: str, prefix: str) -> Hashes:
    """Hashes of the names of all files and folders in a folder, each with a prefix; links are left out."""
    try:
        with os.scandir(path) as entries:
            held = (
                hash(f"{prefix}{one.name}{'/' * one.is_dir(follow_symlinks=False)}")
                for one in entries
                if one.is_file(follow_symlinks=False) or one.is_dir(follow_symlinks=False)
            )
            return np.fromiter(held, np.int64)
    except (FileNotFoundError, NotADirectoryError):
        return np.empty(0, np.int64)
