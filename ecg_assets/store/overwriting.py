"""Keeps results from taking the place of what a person has made: inputs, truths, other results."""

from collections.abc import Iterable
from pathlib import Path


class OverwriteError(ValueError):
    """A result would take the place of something else; the message names both and says what to do."""


def same_file(one: Path, other: Path) -> bool:
    """Whether two names lead to one file that is there, through links and other spellings too."""
    return one.exists() and other.exists() and one.samefile(other)


def refuse_overwriting(result: Path, inputs: Iterable[Path]) -> None:
    """Lets a result be written unless it is one of the inputs, or a file that lies in an input folder.

    Args:
        result: the file to be written.
        inputs: files and folders that the command reads.

    Raises:
        OverwriteError: it is; the message advises another name, or `--overwrite`.
    """
    for given in inputs:
        inside = given.is_dir() and result.exists() and result.resolve().is_relative_to(given.resolve())
        if inside or same_file(result, given):
            whose = f"lies among the inputs in {given}" if inside else "is an input of this command"
            raise OverwriteError(
                f"{result} is there already and {whose}; choose another name for the result, or replace it with "
                "--overwrite"
            )
