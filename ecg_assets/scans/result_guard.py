"""Keeps a picture's results from taking the place of inputs, truths and other pictures' results."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.overwriting import OverwriteError, same_file
from ecg_assets.store.plain_file import read_plain

# Written into the JSON beside results: whose they are.
PICTURE_SHA256 = "picture_sha256"


class ResultGuard:
    """Knows what a command reads, and which results it has given out to which picture."""

    def __init__(self, inputs: Sequence[Path], marker: str, overwrite: bool) -> None:
        """Takes what must not be replaced.

        Args:
            inputs: every picture and every truth of the command.
            marker: a key of the JSON that this command writes beside results, and no other command does.
            overwrite: what is there may be replaced; still no two pictures write the same file.
        """
        self._inputs, self._marker, self._overwrite = inputs, marker, overwrite
        self._given: dict[Path, Path] = {}

    def claim(self, picture: Path, results: Sequence[Path], info: Path) -> None:
        """Lets a picture's results be written: where nothing is, or results of the same picture by the same command.

        Args:
            picture: the image file.
            results: the files to be written for it.
            info: that of them which is the JSON.

        Raises:
            OverwriteError: one of them is something else; nothing of this picture is to be written.
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
    """Whether a JSON beside results tells that they are of this picture; earlier versions noted its name alone."""
    try:
        said: Any = json.loads(read_plain(info))
    except (OSError, ValueError, RecursionError):
        return False
    if not isinstance(said, dict) or marker not in said or said.get("file") != picture.name:
        return False
    return PICTURE_SHA256 not in said or said[PICTURE_SHA256] == sha256_file(picture)
