"""What a stage holds, summed up shard by shard: of a million records, their manifests together take a gigabyte."""

from bisect import bisect_left
from collections import defaultdict
from typing import Any

from ecg_assets.store.fingerprint import ListFingerprint, fingerprint
from ecg_assets.store.manifest import Manifest

_AFTER_SLASH = chr(ord("/") + 1)


class Held:
    """Takes one manifest after the other, in the order of the shards, and keeps none of them.

    Attributes:
        numbers: those of each manifest for people.
        by_folder: of each folder with files, relative to the data root, the hashes of what each shard has in it and
            below.
    """

    def __init__(self) -> None:
        self.numbers: list[dict[str, Any]] = []
        self.by_folder: dict[str, list[str]] = defaultdict(list)
        self._digest = ListFingerprint()

    def add(self, manifest: Manifest) -> None:
        """Takes the next shard's manifest."""
        self.numbers.append(manifest.numbers)
        self._digest.add(manifest.files)
        names = sorted(manifest.files)
        start = 0
        while start < len(names):
            folder = names[start].rpartition("/")[0]
            # Of a folder's millions of names only the first and the last are looked at.
            end = bisect_left(names, f"{folder}{_AFTER_SLASH}", start) if folder else start + 1
            files = {name: manifest.files[name] for name in names[start:end]}
            self.by_folder[folder].append(fingerprint(files))
            start = end

    @property
    def digest(self) -> str:
        """Hash of each shard's files: names and content."""
        return self._digest.done()
