"""Names and builds the result files of each picture: signals, facts, and two pictures for visual inspection."""

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ecg_assets.digitize.interface import Reading
from ecg_assets.digitize.signals_csv import signals_csv
from ecg_assets.scans.result_names import result_stems

# zlib level; higher ones take seconds per page and save a tenth.
_PNG_LEVEL = 2


@dataclass(frozen=True)
class Outputs:
    """Paths of one picture's results.

    Attributes:
        signals: twelve leads in mV.
        info: layout, scale, orientation, confidence, assumptions.
        rectified: the page laid flat.
        check: the recovered traces drawn over the picture.
    """

    signals: Path
    info: Path
    rectified: Path
    check: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return self.signals, self.info, self.rectified, self.check


def outputs_of(folder: Path, names: list[str]) -> dict[str, Outputs]:
    """Paths of the pictures' results: `<stem>.csv`, `<stem>.json`, `<stem>_rectified.png`, `<stem>_check.png`.

    If two pictures of one folder have the same stem, it keeps their suffix: `page.jpg.csv`; see `result_stems`.

    Args:
        folder: of the results.
        names: of the pictures, relative to theirs, with forward slashes.
    """
    ends = (".csv", ".json", "_rectified.png", "_check.png")
    return {name: Outputs(*(folder / f"{stem}{end}" for end in ends)) for name, stem in result_stems(names).items()}


def contents_of(reading: Reading, name: str, outputs: Outputs, **noted: str) -> dict[Path, bytes]:
    """The results of one picture by path.

    Args:
        reading: what was read.
        name: the picture's file name, for the JSON.
        outputs: where they are written.
        noted: further entries of the JSON.
    """
    facts: dict[str, Any] = {"file": PurePosixPath(name).name, "fs_hz": reading.fs_hz, **reading.info(), **noted}
    return {
        outputs.signals: signals_csv(reading.signal_mv, reading.fs_hz),
        outputs.info: (json.dumps(facts, indent=1) + "\n").encode("utf-8"),
        outputs.rectified: png_of(reading.rectified_hwc),
        outputs.check: reading.check_png(),
    }


def png_of(image_hwc: npt.NDArray[np.uint8]) -> bytes:
    """A PNG of (h, w, 3) uint8 RGB."""
    done, content = cv2.imencode(".png", image_hwc[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, _PNG_LEVEL])
    if not done:
        raise ValueError(f"a picture of shape {image_hwc.shape} cannot be written as PNG")
    return bytes(content)
