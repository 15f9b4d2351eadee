"""Segments every image in the inbox that this checkpoint has not segmented."""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ecg_assets.scans.inbox import image_names, inbox, tell_left_out
from ecg_assets.scans.outputs import Outputs, outputs_of, segmented
from ecg_assets.scans.refusal import refusal_text
from ecg_assets.scans.segment import Segmenter
from ecg_assets.store.compute.pool import Workers
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.manifest import Manifest
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.per_item import ItemFailedError, run_each

CODE_VERSION = "3"
STAGE = "scan_segmentations"


@dataclass(frozen=True)
class ScansReport:
    """Outcome of segmenting the inbox.

    Attributes:
        made: images segmented in this run, by name relative to the inbox.
        skipped: images whose results are current.
        unreadable: name -> why it cannot be read, or is left out.
        manifests: one per image, sorted by name.
    """

    made: list[str]
    skipped: list[str]
    unreadable: dict[str, str]
    manifests: list[Manifest] = field(repr=False)

    @property
    def digest(self) -> str:
        """Hash of all results."""
        return fingerprint([manifest.files for manifest in self.manifests])


def outputs(root: DataRoot) -> dict[str, Outputs]:
    """Paths of the results of each image of the inbox, by its name relative to the inbox."""
    return outputs_of(results(root), image_names(root))


def fingerprints_now(root: DataRoot, checkpoint_sha256: str) -> dict[str, str]:
    """By image of the inbox, the hash of all that determines its results."""
    return {
        name: fingerprint(CODE_VERSION, sha256_file(inbox(root) / name), checkpoint_sha256, place.mask.name)
        for name, place in outputs(root).items()
    }


def results(root: DataRoot) -> Path:
    """The folder of masks and overlays."""
    return root.scans / "segmentations"


def segment_inbox(root: DataRoot, checkpoint: Path, log: Log, workers: Workers = 1) -> ScansReport:
    """Writes a mask and an overlay for each image in the inbox; removes those of images that are gone.

    An image that cannot be read for any reason is reported and does not stop the others. Images already segmented by
    the same checkpoint are skipped.

    Args:
        root: the data root.
        checkpoint: of the network.
        log: receives a line per image.
        workers: processes, or an engine; 1: the network uses all cores of this process.
    """
    told = tell_left_out(root, STAGE, log)
    places = outputs(root)
    weights = sha256_file(checkpoint) if places else ""
    wanted = fingerprints_now(root, weights)
    tasks = {name: _Segment(root, name, place, wanted[name], checkpoint, weights) for name, place in places.items()}
    try:
        each = run_each(STAGE, results(root), root, tasks, log, workers)
    finally:
        _segmenter.cache_clear()
    return ScansReport(each.made, each.skipped, {**each.failed, **told}, list(each.manifests.values()))


@dataclass(frozen=True)
class _Segment:
    """Segments an image of the inbox."""

    root: DataRoot
    name: str
    places: Outputs
    fingerprint: str
    checkpoint: Path
    checkpoint_sha256: str

    def make(self) -> tuple[dict[Path, bytes], dict[str, Any]]:
        """Its results; see `ItemTask`."""
        segmenter = _segmenter(self.checkpoint, self.checkpoint_sha256)
        try:
            contents = segmented(segmenter, inbox(self.root) / self.name, self.places, self.checkpoint_sha256)
        except Exception as error:
            raise ItemFailedError(refusal_text(error, self.name)) from error
        return contents, json.loads(contents[self.places.info])


@lru_cache(maxsize=1)
def _segmenter(checkpoint: Path, sha256: str) -> Segmenter:
    # Once per process; the hash is part of the key because another checkpoint may replace the file.
    return Segmenter.load(checkpoint)
