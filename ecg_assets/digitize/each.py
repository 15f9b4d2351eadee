"""A stage that makes one thing after the other by name, each with its own manifest: pictures that are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ecg_assets.store.atomic import remove_temporaries, write_bytes
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes
from ecg_assets.store.manifest import Manifest, is_current, read_manifest, write_manifest
from ecg_assets.store.presence import Presence
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log

# Makes what has this name: its files by path, and what is known of it, as JSON can say it.
Make = Callable[[str], tuple[dict[Path, bytes], dict[str, Any]]]


@dataclass(frozen=True)
class EachReport:
    """What was done.

    Attributes:
        made: names made in this run.
        skipped: names whose results were current.
        manifests: by name, in the order asked for.
    """

    made: list[str]
    skipped: list[str]
    manifests: dict[str, Manifest] = field(repr=False)

    @property
    def digest(self) -> str:
        """Hash of all results."""
        return fingerprint([[name, one.files] for name, one in sorted(self.manifests.items())])


def run_each(stage: str, folder: Path, root: DataRoot, wanted: Mapping[str, str], make: Make, log: Log) -> EachReport:
    """Makes what is not current, and removes results of names that are no longer wanted.

    Args:
        stage: its name.
        folder: of its results and manifests.
        root: holds the folder.
        wanted: name -> fingerprint of all that its results follow from.
        make: is called for each name that is due.
        log: receives a line for each.
    """
    remove_temporaries(folder)
    _forget(root, folder, wanted)
    present = Presence(root.path)
    due = [name for name, print_ in wanted.items() if not is_current(_manifest(folder, name), print_, present)]
    log(f"{stage}: {len(due)} of {len(wanted)} pictures to read, {len(wanted) - len(due)} are current")
    for number, name in enumerate(due, start=1):
        contents, info = make(name)
        for path, content in contents.items():
            write_bytes(path, content)
        files = {root.relative(path): sha256_bytes(content) for path, content in contents.items()}
        _drop(root, folder, name, set(files))
        manifest = Manifest(stage=stage, fingerprint=wanted[name], files=files, info=info)
        write_manifest(_manifest(folder, name), manifest)
        log(f"{stage}: {name} ({number} of {len(due)})")
    manifests = {name: read_manifest(_manifest(folder, name)) for name in wanted}
    return EachReport(
        made=due,
        skipped=[name for name in wanted if name not in due],
        manifests={name: manifest for name, manifest in manifests.items() if manifest is not None},
    )


def _manifest(folder: Path, name: str) -> Path:
    return folder / "_manifests" / f"{name}.json"


def _forget(root: DataRoot, folder: Path, wanted: Mapping[str, str]) -> None:
    place = folder / "_manifests"
    for path in sorted(place.rglob("*.json")):
        name = path.relative_to(place).as_posix().removesuffix(".json")
        if name not in wanted:
            _drop(root, folder, name, set())
            path.unlink()


def _drop(root: DataRoot, folder: Path, name: str, kept: set[str]) -> None:
    """Removes files that the manifest of this name lists and that are not kept."""
    before = read_manifest(_manifest(folder, name))
    for file in set(before.files if before else {}) - kept:
        (root.path / file).unlink(missing_ok=True)
