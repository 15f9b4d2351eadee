"""Digitises every picture in the inbox that this version of the reader has not read."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from ecg_assets.digitize.interface import Reader
from ecg_assets.digitize.outputs import Outputs, contents_of, outputs_of
from ecg_assets.digitize.refusal import NotAnEcgError
from ecg_assets.scans.image import UnreadableImageError, read_image
from ecg_assets.scans.inbox import image_names, inbox, tell_left_out
from ecg_assets.scans.refusal import refusal_text
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.per_item import EachReport, ItemFailedError, run_each

STAGE = "digitized_signals"
REFUSED = "refused"
FS_HZ = 500
_TILE_PX, _GAP_PX, _COLOURS = (420, 320), 8, 128


@dataclass(frozen=True)
class InboxReport:
    """Outcome of reading the inbox.

    Attributes:
        each: which pictures were read and which were current.
        refused: refused pictures -> reason.
    """

    each: EachReport
    refused: dict[str, str]

    @property
    def read(self) -> list[str]:
        """Pictures with a signal."""
        return [name for name in self.each.manifests if name not in self.refused]


def results(root: DataRoot) -> Path:
    """The folder of signals and check pictures."""
    return root.scans / "digitized"


def digitize_inbox(
    root: DataRoot, load: Callable[[], Reader], version: str, fs_hz: int, layout: str, log: Log
) -> InboxReport:
    """Writes signals, facts and two pictures for each image in the inbox; removes those of images that are gone.

    A refused picture is reported, does not stop the others, and is not tried again by the same version. A picture on
    which the reader fails is reported too, and tried again by the next run.

    Args:
        root: holds the inbox.
        load: returns the reader; called only if a picture has to be read.
        version: the reader's version; readers of equal version give equal results.
        fs_hz: sampling rate of the signals.
        layout: of the pages, or "auto".
        log: receives a line for each picture.
    """
    folder, load_once = inbox(root), cache(load)
    told = tell_left_out(root, STAGE, log)
    tasks = {
        name: _Read(
            folder / name,
            name,
            places,
            fingerprint(sha256_file(folder / name), version, fs_hz, layout, places.signals.name),
            (load_once, fs_hz, layout, log),
        )
        for name, places in outputs_of(results(root), image_names(root)).items()
    }
    each = run_each(STAGE, results(root), root, tasks, log)
    refused = {name: one.info[REFUSED] for name, one in each.manifests.items() if REFUSED in one.info}
    return InboxReport(each, dict(sorted({**refused, **each.failed, **told}.items())))


@dataclass(frozen=True)
class _Read:
    """Reads an image of the inbox."""

    image: Path
    name: str
    places: Outputs
    fingerprint: str
    how: tuple[Callable[[], Reader], int, str, Log]

    def make(self) -> tuple[dict[Path, bytes], dict[str, Any]]:
        """Its results, or the reason why it is refused; see `ItemTask`."""
        load, fs_hz, layout, log = self.how
        reader = load()
        try:
            reading = reader.digitize_image(read_image(self.image), fs_hz, layout)
            return contents_of(reading, self.name, self.places), reading.info()
        except (NotAnEcgError, UnreadableImageError) as error:
            log(f"{STAGE}: {self.name} is refused: {error}")
            return {}, {REFUSED: str(error)}
        except Exception as error:
            raise ItemFailedError(refusal_text(error, self.name)) from error


def check_sheet(root: DataRoot, names: list[str]) -> bytes:
    """The check pictures of images of the inbox side by side, as PNG."""
    places = outputs_of(results(root), image_names(root))
    sheet = Image.new("RGB", (max(1, len(names)) * (_TILE_PX[0] + _GAP_PX) - _GAP_PX, _TILE_PX[1]), "white")
    for number, name in enumerate(names):
        with Image.open(places[name].check) as image:
            shown = image.convert("RGB")
            shown.thumbnail(_TILE_PX, Image.Resampling.LANCZOS)
            sheet.paste(shown, (number * (_TILE_PX[0] + _GAP_PX), 0))
    target = io.BytesIO()
    sheet.quantize(_COLOURS).save(target, "PNG", optimize=True)
    return target.getvalue()
