"""Runs a stage item by item, for example picture by picture; each item has its own manifest."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ecg_assets.store.atomic import remove_temporaries, write_bytes
from ecg_assets.store.compute.pool import Workers, map_unordered
from ecg_assets.store.file_index import Presence
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes
from ecg_assets.store.lock import check_locks
from ecg_assets.store.log import Log
from ecg_assets.store.manifest import Manifest, is_current, read_manifest, write_manifest
from ecg_assets.store.root import DataRoot


class ItemTask(Protocol):
    """One item's work; with more than one worker it is pickled to the worker process.

    Attributes:
        fingerprint: of all that determines its results.
    """

    @property
    def fingerprint(self) -> str: ...

    def make(self) -> tuple[dict[Path, bytes], dict[str, Any]]:
        """The item's files by path, and facts about it as JSON values.

        Raises:
            ItemFailedError: it cannot be made this time.
        """
        ...


class ItemFailedError(ValueError):
    """An item cannot be made this time; the message says why. The others continue, and the next run tries it again."""


@dataclass(frozen=True)
class EachReport:
    """Summary of a run over all items.

    Attributes:
        made: names made in this run.
        skipped: names whose results were current.
        failed: name -> reason; failed items have no manifest.
        manifests: of the others by name, in the order asked for.
    """

    made: list[str]
    skipped: list[str]
    failed: dict[str, str]
    manifests: dict[str, Manifest] = field(repr=False)

    @property
    def digest(self) -> str:
        """Hash of all results."""
        return fingerprint([[name, one.files] for name, one in sorted(self.manifests.items())])


def run_each(
    stage: str,
    folder: Path,
    root: DataRoot,
    tasks: Mapping[str, ItemTask],
    log: Log,
    workers: Workers = 1,
) -> EachReport:
    """Makes items that are not current, and removes results of items that are no longer wanted or have failed.

    Args:
        stage: its name.
        folder: of its results and manifests.
        root: holds the folder.
        tasks: by name.
        log: receives a line for each item.
        workers: processes, or an engine; 1: in this process.
    """
    remove_temporaries(folder)
    _forget(root, folder, set(tasks))
    present = Presence(root.path)
    due = [name for name, task in tasks.items() if not is_current(_manifest(folder, name), task.fingerprint, present)]
    log(f"{stage}: {len(due)} of {len(tasks)} images to read, {len(tasks) - len(due)} are current")
    failed = {}
    items = [_Item(stage, folder, root, name, tasks[name]) for name in due]
    for number, (name, why) in enumerate(map_unordered(_make_item, items, workers) if items else (), start=1):
        log(f"{stage}: {name} ({number} of {len(due)})" if why is None else f"{stage}: {name} is left out: {why}")
        if why is not None:
            failed[name] = why
    if items:
        remove_temporaries(folder)  # left by a machine that died while writing
    _forget(root, folder, set(tasks) - set(failed))
    manifests = {name: read_manifest(_manifest(folder, name)) for name in tasks}
    return EachReport(
        made=[name for name in due if name not in failed],
        skipped=[name for name in tasks if name not in due],
        failed={name: failed[name] for name in due if name in failed},
        manifests={name: manifest for name, manifest in manifests.items() if manifest is not None},
    )


@dataclass(frozen=True)
class _Item:
    """A task with the path of its manifest."""

    stage: str
    folder: Path
    root: DataRoot
    name: str
    task: ItemTask


def _make_item(item: _Item) -> tuple[str, str | None]:
    """Writes one item's results and then its manifest; returns its name, and the reason if it failed."""
    try:
        contents, info = item.task.make()
    except ItemFailedError as error:
        return item.name, str(error)
    for path, content in contents.items():
        write_bytes(path, content)
    files = {item.root.relative(path): sha256_bytes(content) for path, content in contents.items()}
    _drop(item.root, item.folder, item.name, set(files))
    manifest = Manifest(stage=item.stage, fingerprint=item.task.fingerprint, files=files, info=info)
    write_manifest(_manifest(item.folder, item.name), manifest)
    return item.name, None


def _manifest(folder: Path, name: str) -> Path:
    return folder / "_manifests" / f"{name}.json"


def _forget(root: DataRoot, folder: Path, names: set[str]) -> None:
    place = folder / "_manifests"
    for path in sorted(place.rglob("*.json")):
        name = path.relative_to(place).as_posix().removesuffix(".json")
        if name not in names:
            _drop(root, folder, name, set())
            path.unlink()


def _drop(root: DataRoot, folder: Path, name: str, kept: set[str]) -> None:
    """Removes files that the manifest of this name lists and that are not kept."""
    before = read_manifest(_manifest(folder, name))
    check_locks()
    for file in set(before.files if before else {}) - kept:
        (root.path / file).unlink(missing_ok=True)
