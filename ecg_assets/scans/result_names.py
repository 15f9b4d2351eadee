"""Names the results of pictures."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath


def result_stems(names: Sequence[str]) -> dict[str, str]:
    """By picture, the unique stem of its results' names.

    It is the name without its suffix (`page`), or the whole name (`page.jpg`) if another picture's results have that
    stem.

    Args:
        names: of the pictures, relative to their folder, with forward slashes.
    """
    stems = {name: str(PurePosixPath(name).with_suffix("")) for name in names}
    while True:
        taken = Counter(stems.values())
        # Whole names are unique; `page.png.tif` must not take the stem `page.png` if `page.png` needs it.
        shared = [name for name, stem in stems.items() if taken[stem] > 1 and stem != name]
        if not shared:
            return stems
        stems |= {name: name for name in shared}
