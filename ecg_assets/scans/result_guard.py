"""Prevents a picture's results from overwriting inputs, truths and other pictures' results."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.overwriting import OverwriteError, same_file
from ecg_assets.store.plain_file import read_plain

# Key of the picture's path in the JSON beside its results.
PICTURE_SHA256 = "picture_sha256"


class ResultGuard:
    """Tracks the inputs of a command, and which results belong to which picture."""

    def __init__(self, inputs: Sequence[Path], marker: str, overwrite: bool) -> None:
        """Takes the files that must not be replaced.

        Args:
            inputs: every picture and every truth of the command.
            marker: a key of the JSON beside results that only this command writes.
            overwrite: whether existing files may be replaced; two pictures still cannot write the same file.
        """
        self._inputs, self._marker, self._overwrite = inputs, marker, overwrite
        self._given: dict[Path, Path] = {}

    def claim(self, picture: Path, results: Sequence[Path], info: Path) -> None:
        """Checks that a picture's results are new, or replace results of the same picture by the same command.

        Args:
            picture: the image file.
            results: the files to be written for it.
            info: the JSON among them.

        Raises:
            OverwriteError: one of them is another file; none of this picture's results may be written.
        """
        places = [result.parent.resolve() / result.name for result in results]
        for result, place in zip(results, places, strict=True):
            if place in self._given:
                raise OverwriteError(
                    f"{picture}: its result {result} is that of {self._given[place]} too; read it in a call of its own "
                    "with another --out"
                )
        if not self._overwrite:
            self._refuse(picture, results, info)
        self._given |= dict.fromkeys(places, picture)

    def _refuse(self, picture: Path, results: Sequence[Path], info: Path) -> None:
        own = _is_of(info, picture, self._marker)
        for result in (one for one in results if one.exists()):
            read = next((given for given in self._inputs if same_file(result, given)), None)
            if read is None and own:
                continue
            what = f"is {read}, which this command reads" if read else "is there already and not made from this picture"
            raise OverwriteError(
                f"{picture}: its result {result} {what}; choose another --out, or replace it with --overwrite"
            )


def _is_of(info: Path, picture: Path, marker: str) -> bool:
    """Whether a JSON beside results names this picture; earlier versions stored its name only."""
    try:
        said: Any = json.loads(read_plain(info))
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(said, dict) or marker not in said or said.get("file") != picture.name:
        return False
    return PICTURE_SHA256 not in said or said[PICTURE_SHA256] == sha256_file(picture)
