"""Prevents results from overwriting inputs, truths or other results."""

from collections.abc import Iterable
from pathlib import Path


class OverwriteError(ValueError):
    """A result would overwrite another file; the message names both and says what to do."""


def same_file(one: Path, other: Path) -> bool:
    """Whether two names refer to one existing file, also through links and other spellings."""
    return one.exists() and other.exists() and one.samefile(other)


def refuse_overwriting(result: Path, inputs: Iterable[Path]) -> None:
    """Allows a result to be written unless it is one of the inputs, or a file in an input folder.

    Args:
        result: the file to be written.
        inputs: files and folders that the command reads.

    Raises:
        OverwriteError: it is an input; the message advises another name, or `--overwrite`.
    """
    for given in inputs:
        inside = given.is_dir() and result.exists() and result.resolve().is_relative_to(given.resolve())
        if inside or same_file(result, given):
            whose = f"lies among the inputs in {given}" if inside else "is an input of this command"
            raise OverwriteError(
                f"{result} is there already and {whose}; choose another name for the result, or replace it with "
                "--overwrite"
            )
