"""Reads every picture in the inbox that was not read yet by this version of the reader."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ecg_assets.digitize.each import EachReport, run_each
from ecg_assets.digitize.outputs import contents_of, outputs_of
from ecg_assets.digitize.reader import NotAnEcgError, Reader
from ecg_assets.scans.page import SUFFIXES, UnreadableImageError, read_image
from ecg_assets.store.confined import leads_out
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log

STAGE = "digitized_signals"
REFUSED = "refused"
FS_HZ = 500


@dataclass(frozen=True)
class InboxReport:
    """What was done with the inbox.

    Attributes:
        each: what was read and what was current.
        refused: pictures without a signal -> why.
    """

    each: EachReport
    refused: dict[str, str]

    @property
    def read(self) -> list[str]:
        """Pictures of which there is a signal."""
        return [name for name in self.each.manifests if name not in self.refused]


def results(root: DataRoot) -> Path:
    """The folder of signals and check pictures."""
    return root.scans / "digitized"


def inbox_images(root: DataRoot) -> list[str]:
    """Names of all images in the inbox of scans and below, relative to it; links that lead out of it are left out."""
    inbox = root.scans / "inbox"
    paths = (path for path in inbox.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    kept = (path for path in paths if path.name[0] != "." and not leads_out(path, inbox))
    return sorted(path.relative_to(inbox).as_posix() for path in kept)


def digitize_inbox(
    root: DataRoot, load: Callable[[], Reader], version: str, fs_hz: int, layout: str, log: Log
) -> InboxReport:
    """Writes signals, facts and two pictures for each image in the inbox; drops those of images that are gone.

    A picture that is refused is reported, does not stop the others, and is not tried again by the same version.

    Args:
        root: holds the inbox.
        load: gives the reader; it is called when there is something to read.
        version: of the reader: equal ones read the same.
        fs_hz: sampling rate of the signals.
        layout: of the pages, or "auto".
        log: receives a line for each picture.
    """
    inbox, names = root.scans / "inbox", inbox_images(root)
    places = outputs_of(results(root), names)
    wanted = {
        name: fingerprint(sha256_file(inbox / name), version, fs_hz, layout, places[name].signals.name)
        for name in names
    }
    reader = cache(load)

    def make(name: str) -> tuple[dict[Path, bytes], dict[str, Any]]:
        try:
            reading = reader().digitize_image(read_image(inbox / name), fs_hz, layout)
        except (NotAnEcgError, UnreadableImageError) as error:
            log(f"{STAGE}: {name} is refused: {error}")
            return {}, {REFUSED: str(error)}
        return contents_of(reading, name, places[name]), reading.info()

    each = run_each(STAGE, results(root), root, wanted, make, log)
    refused = {name: one.info[REFUSED] for name, one in each.manifests.items() if REFUSED in one.info}
    return InboxReport(each, refused)


def reader_version() -> str:
    """Hash of the package's weights and of all modules that read: what reads differently is never skipped.

    Reading is many pieces with thresholds of their own; a number to be raised by hand would be forgotten.
    """
    sources, weights = Path(__file__).parent, Path(str(files("ecg_assets.weights")))
    read = [*sources.glob("*.py"), *weights.glob("*.safetensors"), *weights.glob("*.onnx")]
    return fingerprint({path.name: sha256_file(path) for path in read})
