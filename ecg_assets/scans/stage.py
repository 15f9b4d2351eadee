"""Segments every image in the inbox that is not segmented yet by this checkpoint."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from ecg_assets.scans.outputs import Outputs, outputs_of, segment_to
from ecg_assets.scans.page import SUFFIXES, UnreadableImageError
from ecg_assets.scans.segment import Segmenter
from ecg_assets.store.atomic import remove_temporaries
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes, sha256_file
from ecg_assets.store.manifest import Manifest, is_current, read_manifest, write_manifest
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
    """Every image in the inbox and below, by name; other files are not looked at."""
    return sorted(
        path
        for path in inbox(root).rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and path.name[0] != "."
    )


def outputs(root: DataRoot) -> dict[str, Outputs]:
    """Where the results of each image of the inbox lie, by its name relative to the inbox."""
    return outputs_of(results(root), [path.relative_to(inbox(root)).as_posix() for path in images_in(root)])


def results(root: DataRoot) -> Path:
    """The folder of masks and overlays."""
    return root.scans / "segmentations"


def segment_inbox(root: DataRoot, checkpoint: Path, log: Log) -> ScansReport:
    """Writes a mask and an overlay for each image in the inbox; drops those of images that are gone.

    An image that cannot be read is reported and does not stop the others. What is segmented already by the same
    checkpoint is skipped.
    """
    remove_temporaries(results(root))
    names = [path.relative_to(inbox(root)).as_posix() for path in images_in(root)]
    weights = sha256_file(checkpoint) if names else ""
    places = outputs(root)
    wanted = {
        name: fingerprint(CODE_VERSION, sha256_file(inbox(root) / name), weights, places[name].mask.name)
        for name in names
    }
    due = [name for name in names if not is_current(_manifest_path(root, name), wanted[name], root.path)]
    log(f"{STAGE}: {len(due)} of {len(names)} images to segment, {len(names) - len(due)} are current")
    unreadable = _segment(root, due, wanted, checkpoint, log) if due else {}
    _forget(root, set(names) - set(unreadable))
    manifests = [read_manifest(_manifest_path(root, name)) for name in names]
    return ScansReport(
        made=[name for name in due if name not in unreadable],
        skipped=[name for name in names if name not in due],
        unreadable=unreadable,
        manifests=[manifest for manifest in manifests if manifest is not None],
    )


def _segment(root: DataRoot, due: list[str], wanted: dict[str, str], checkpoint: Path, log: Log) -> dict[str, str]:
    """Segments the images that are due; returns those that cannot be read, with the reason."""
    segmenter, places, sha256 = Segmenter.load(checkpoint), outputs(root), sha256_file(checkpoint)
    unreadable = {}
    for number, name in enumerate(due, start=1):
        try:
            contents = segment_to(segmenter, inbox(root) / name, places[name], sha256)
        except UnreadableImageError as error:
            log(f"{STAGE}: {name} is left out: {error}")
            unreadable[name] = str(error)
            continue
        files = {root.relative(path): sha256_bytes(content) for path, content in contents.items()}
        info = json.loads(contents[places[name].info])
        manifest = Manifest(stage=STAGE, fingerprint=wanted[name], files=files, info=info)
        write_manifest(_manifest_path(root, name), manifest)
        log(f"{STAGE}: {name} segmented ({number} of {len(due)})")
    return unreadable


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
