"""Names and builds the result files of each image: mask, overlay, and facts as JSON."""

import json
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.scans.image import read_image
from ecg_assets.scans.result_names import result_stems
from ecg_assets.scans.segment import Segmenter


@dataclass(frozen=True)
class Outputs:
    """Paths of one image's results."""

    mask: Path
    overlay: Path
    info: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return self.mask, self.overlay, self.info


def outputs_of(folder: Path, names: list[str]) -> dict[str, Outputs]:
    """Paths of the images' results: `<stem>_mask.png`, `<stem>_overlay.png`, `<stem>.json`.

    If two images of one folder have the same stem, it keeps their suffix: `page.jpg_mask.png`; see `result_stems`.

    Args:
        folder: of the results.
        names: of the images, relative to theirs, with forward slashes.
    """
    ends = ("_mask.png", "_overlay.png", ".json")
    return {name: Outputs(*(folder / f"{stem}{end}" for end in ends)) for name, stem in result_stems(names).items()}


def segmented(
    segmenter: Segmenter, image: Path, outputs: Outputs, checkpoint_sha256: str, **noted: str
) -> dict[Path, bytes]:
    """Segments an image.

    Args:
        segmenter: the network.
        image: the file.
        outputs: paths of its results.
        checkpoint_sha256: for the JSON.
        noted: further entries of the JSON.

    Returns:
        The content of each file, by path.

    Raises:
        UnreadableImageError: it is not an image that can be segmented.
    """
    image_hwc = read_image(image)
    result = segmenter.segment_image(image_hwc)
    facts = {"file": image.name, **result.info(), "checkpoint_sha256": checkpoint_sha256, **noted}
    return {
        outputs.mask: result.mask_png(),
        outputs.overlay: result.overlay_png(image_hwc),
        outputs.info: (json.dumps(facts, indent=1) + "\n").encode("utf-8"),
    }
