"""How the results of pictures are named."""

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath


def result_stems(names: Sequence[str]) -> dict[str, str]:
    """By picture, what the names of its results begin with: different for each.

    That is the name without its suffix (`page`), or where another picture's results are named so, the whole name
    (`page.jpg`).

    Args:
        names: of the pictures, relative to their folder, with forward slashes.
    """
    stems = {name: str(PurePosixPath(name).with_suffix("")) for name in names}
    while True:
        taken = Counter(stems.values())
        # Whole names are all different; `page.png.tif` has to give way when `page.png` needs its own.
        shared = [name for name, stem in stems.items() if taken[stem] > 1 and stem != name]
        if not shared:
            return stems
        stems |= {name: name for name in shared}
