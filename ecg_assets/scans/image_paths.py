"""Expands the files, folders and patterns of a command line to images."""

import glob
from pathlib import Path

from ecg_assets.scans.image import SUFFIXES


class NoImagesError(ValueError):
    """An argument does not name an image; the message says what was expected."""


def images_named(arguments: tuple[str, ...]) -> list[Path]:
    """The images named by files, folders (recursively) and patterns like `scans/*.jpg`, each once, in order.

    A file that is named directly may have any suffix.

    Raises:
        NoImagesError: an argument matches no image.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        path = Path(argument)
        if path.is_dir():
            named = sorted(one for one in path.rglob("*") if _is_image(one))
        elif path.exists():
            named = [path]
        else:
            # Path.glob does not accept absolute patterns.
            matches = map(Path, glob.glob(argument, recursive=True))  # noqa: PTH207
            named = sorted(path for path in matches if path.is_file())
        if not named:
            raise NoImagesError(
                f"{argument} means no image: expected a file, a folder that holds {', '.join(SUFFIXES)} files, or a "
                "pattern such as 'scans/*.jpg'"
            )
        found |= dict.fromkeys(named)
    return list(found)


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
