"""What is written for each image: its mask, the mask laid over it, and what is known of both."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ecg_assets.scans.page import read_image
from ecg_assets.scans.segment import Segmenter
from ecg_assets.store.atomic import write_bytes


@dataclass(frozen=True)
class Outputs:
    """Paths of one image's results."""

    mask: Path
    overlay: Path
    info: Path


def outputs_of(folder: Path, names: list[str]) -> dict[str, Outputs]:
    """Where the results of images go: `<stem>_mask.png`, `<stem>_overlay.png`, `<stem>.json`.

    Where two images of one folder have the same stem, their suffix stays in it: `page.jpg_mask.png`.

    Args:
        folder: of the results.
        names: of the images, relative to theirs, with forward slashes.
    """
    stems = Counter(_stem(name) for name in names)
    found = {}
    for name in names:
        stem = _stem(name) if stems[_stem(name)] == 1 else name
        found[name] = Outputs(*(folder / f"{stem}{end}" for end in ("_mask.png", "_overlay.png", ".json")))
    return found


def segment_to(segmenter: Segmenter, image: Path, outputs: Outputs, checkpoint_sha256: str) -> dict[Path, bytes]:
    """Segments an image and writes its results.

    Returns:
        What was written, by path.

    Raises:
        UnreadableImageError: it is no image that can be segmented; nothing was written.
    """
    image_hwc = read_image(image)
    result = segmenter.segment_image(image_hwc)
    facts = {"file": image.name, **result.info(), "checkpoint_sha256": checkpoint_sha256}
    contents = {
        outputs.mask: result.mask_png(),
        outputs.overlay: result.overlay_png(image_hwc),
        outputs.info: (json.dumps(facts, indent=1) + "\n").encode("utf-8"),
    }
    for path, content in contents.items():
        write_bytes(path, content)
    return contents


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))
