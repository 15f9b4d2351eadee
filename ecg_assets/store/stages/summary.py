"""Streaming summary of a stage's manifests; holding them all would take 1 GB for a million records."""

from bisect import bisect_left
from collections import defaultdict
from typing import Any

from ecg_assets.store.fingerprint import ListFingerprint, fingerprint
from ecg_assets.store.manifest import Manifest

_AFTER_SLASH = chr(ord("/") + 1)


class Held:
    """Summarises manifests one after the other, in the order of the shards, without keeping them.

    Attributes:
        numbers: each manifest's numbers for people.
        by_folder: for each folder with files, relative to the data root, the hashes of each shard's content in and
            below it.
    """

    def __init__(self) -> None:
        self.numbers: list[dict[str, Any]] = []
        self.by_folder: dict[str, list[str]] = defaultdict(list)
        self._digest = ListFingerprint()

    def add(self, manifest: Manifest) -> None:
        """Adds the next shard's manifest."""
        self.numbers.append(manifest.numbers)
        self._digest.add(manifest.files)
        names = sorted(manifest.files)
        start = 0
        while start < len(names):
            folder = names[start].rpartition("/")[0]
            # Only the first and the last of a folder's millions of names are compared.
            end = bisect_left(names, f"{folder}{_AFTER_SLASH}", start) if folder else start + 1
            files = {name: manifest.files[name] for name in names[start:end]}
            self.by_folder[folder].append(fingerprint(files))
            start = end

    @property
    def digest(self) -> str:
        """Hash of each shard's files: names and content."""
        return self._digest.done()
