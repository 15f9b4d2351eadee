"""Segments every image in the inbox that is not segmented yet by this checkpoint."""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ecg_assets.scans.outputs import Outputs, outputs_of, segment_to
from ecg_assets.scans.page import SUFFIXES, UnreadableImageError
from ecg_assets.scans.segment import Segmenter
from ecg_assets.store.atomic import remove_temporaries
from ecg_assets.store.confined import leads_out
from ecg_assets.store.engine import Workers, map_unordered
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes, sha256_file
from ecg_assets.store.manifest import Manifest, is_current, read_manifest, write_manifest
from ecg_assets.store.presence import Presence
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log

CODE_VERSION = "3"
STAGE = "scan_segmentations"


@dataclass(frozen=True)
class ScansReport:
    """What was done with the inbox.

    Attributes:
        made: images segmented in this run, by name relative to the inbox.
        skipped: images whose results are current.
        unreadable: name -> why it cannot be read.
        manifests: one an image, in the order of names.
    """

    made: list[str]
    skipped: list[str]
    unreadable: dict[str, str]
    manifests: list[Manifest] = field(repr=False)

    @property
    def digest(self) -> str:
        """Hash of all results."""
        return fingerprint([manifest.files for manifest in self.manifests])


def inbox(root: DataRoot) -> Path:
    """Where images to segment are put; it is made when missing."""
    folder = root.scans / "inbox"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def images_in(root: DataRoot) -> list[Path]:
    """Every image in the inbox and below, by name; neither other files nor links that lead out are looked at."""
    folder = inbox(root)
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and path.name[0] != "." and not leads_out(path, folder)
    )


def _tell_links(root: DataRoot, log: Log) -> None:
    folder = inbox(root)
    for path in sorted(path for path in folder.rglob("*") if leads_out(path, folder)):
        name = path.relative_to(folder).as_posix()
        log(f"{STAGE}: {name} is left out: it is a link out of the inbox; copy what it leads to there")


def outputs(root: DataRoot) -> dict[str, Outputs]:
    """Where the results of each image of the inbox lie, by its name relative to the inbox."""
    return outputs_of(results(root), [path.relative_to(inbox(root)).as_posix() for path in images_in(root)])


def fingerprints_now(root: DataRoot, checkpoint_sha256: str) -> dict[str, str]:
    """By image of the inbox, the hash of all that its results follow from."""
    return {
        name: fingerprint(CODE_VERSION, sha256_file(inbox(root) / name), checkpoint_sha256, place.mask.name)
        for name, place in outputs(root).items()
    }


def results(root: DataRoot) -> Path:
    """The folder of masks and overlays."""
    return root.scans / "segmentations"


def segment_inbox(root: DataRoot, checkpoint: Path, log: Log, workers: Workers = 1) -> ScansReport:
    """Writes a mask and an overlay for each image in the inbox; drops those of images that are gone.

    An image that cannot be read is reported and does not stop the others. What is segmented already by the same
    checkpoint is skipped.

    Args:
        root: the data root.
        checkpoint: of the network.
        log: receives a line an image.
        workers: processes, or an engine; 1 lets the network use all cores of this process.
    """
    remove_temporaries(results(root))
    _tell_links(root, log)
    names = [path.relative_to(inbox(root)).as_posix() for path in images_in(root)]
    weights = sha256_file(checkpoint) if names else ""
    places, wanted = outputs(root), fingerprints_now(root, weights)
    present = Presence(root.path)
    due = [name for name in names if not is_current(_manifest_path(root, name), wanted[name], present)]
    log(f"{STAGE}: {len(due)} of {len(names)} images to segment, {len(names) - len(due)} are current")
    scans = [_Scan(root, name, places[name], wanted[name], checkpoint, weights) for name in due]
    unreadable = _segment(scans, workers, log) if due else {}
    remove_temporaries(results(root))
    _forget(root, set(names) - set(unreadable))
    manifests = [read_manifest(_manifest_path(root, name)) for name in names]
    return ScansReport(
        made=[name for name in due if name not in unreadable],
        skipped=[name for name in names if name not in due],
        unreadable=unreadable,
        manifests=[manifest for manifest in manifests if manifest is not None],
    )


@dataclass(frozen=True)
class _Scan:
    """One image to segment; it is pickled to the process that does it."""

    root: DataRoot
    name: str
    places: Outputs
    fingerprint: str
    checkpoint: Path
    checkpoint_sha256: str


def _segment(scans: list[_Scan], workers: Workers, log: Log) -> dict[str, str]:
    """Segments the images; returns those that cannot be read, with the reason."""
    unreadable = {}
    try:
        for number, (name, why) in enumerate(map_unordered(_segment_one, scans, workers), start=1):
            if why is None:
                log(f"{STAGE}: {name} segmented ({number} of {len(scans)})")
            else:
                log(f"{STAGE}: {name} is left out: {why}")
                unreadable[name] = why
    finally:
        _segmenter.cache_clear()
    return unreadable


def _segment_one(scan: _Scan) -> tuple[str, str | None]:
    """Writes one image's results and then its manifest; returns its name and why it cannot be read."""
    segmenter = _segmenter(scan.checkpoint, scan.checkpoint_sha256)
    try:
        contents = segment_to(segmenter, inbox(scan.root) / scan.name, scan.places, scan.checkpoint_sha256)
    except UnreadableImageError as error:
        return scan.name, str(error)
    files = {scan.root.relative(path): sha256_bytes(content) for path, content in contents.items()}
    info = json.loads(contents[scan.places.info])
    manifest = Manifest(stage=STAGE, fingerprint=scan.fingerprint, files=files, info=info)
    write_manifest(_manifest_path(scan.root, scan.name), manifest)
    return scan.name, None


@lru_cache(maxsize=1)
def _segmenter(checkpoint: Path, sha256: str) -> Segmenter:
    # Once a process; the hash is there because another checkpoint may come to lie under the same path.
    return Segmenter.load(checkpoint)


def _manifest_path(root: DataRoot, name: str) -> Path:
    return results(root) / "_manifests" / f"{name}.json"


def _forget(root: DataRoot, names: set[str]) -> None:
    """Removes the results of images that are no longer in the inbox or no longer readable."""
    folder = results(root) / "_manifests"
    for path in sorted(folder.rglob("*.json")):
        manifest = read_manifest(path)
        if path.relative_to(folder).as_posix().removesuffix(".json") in names or manifest is None:
            continue
        for name in manifest.files:
            (root.path / name).unlink(missing_ok=True)
        path.unlink()
