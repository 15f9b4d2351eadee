"""Runs one stage over its shards: skips current shards, makes the others, and removes obsolete files."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ecg_assets.store.atomic import flush, remove_temporaries
from ecg_assets.store.bucket.push import push_shard
from ecg_assets.store.bucket.working_copy import working_copy_around
from ecg_assets.store.compute.pool import Workers, map_unordered
from ecg_assets.store.file_index import Presence
from ecg_assets.store.fingerprint import fingerprint
from ecg_assets.store.lock import check_locks
from ecg_assets.store.log import Log
from ecg_assets.store.manifest import Manifest, read_manifest, write_manifest
from ecg_assets.store.stages.summary import Held


class ShardTask(Protocol):
    """One shard's work; it is pickled to a worker process.

    Attributes:
        shard: the shard's number.
        fingerprint: of code version, config and this shard's inputs.
    """

    @property
    def shard(self) -> int: ...

    @property
    def fingerprint(self) -> str: ...

    def make(self) -> tuple[dict[str, str], dict[str, Any]]:
        """Writes the shard's files; returns path relative to the root -> SHA-256, and numbers for people.

        The files need not be flushed to disk: `run_stage` flushes them before it writes the manifest.
        """
        ...


Task = TypeVar("Task", bound=ShardTask)


@dataclass(frozen=True)
class StageReport:
    """Summary of a stage's run; its size does not depend on the number of records.

    Attributes:
        stage: its name.
        made: shards made in this run.
        skipped: shards whose fingerprint matched.
        held: summary of the stage's manifests.
    """

    stage: str
    made: list[int]
    skipped: list[int]
    held: Held

    @property
    def shards(self) -> list[int]:
        """All shards, in order; each has its manifest."""
        return sorted([*self.made, *self.skipped])

    @property
    def digest(self) -> str:
        """Hash of the stage's present content; equal content gives an equal digest."""
        return self.held.digest

    def digest_of(self, folder: str) -> str:
        """Hash of the content of one folder, relative to the data root; a stage may fill more than one."""
        return fingerprint(self.held.by_folder.get(folder, []))

    def counts(self, key: str) -> dict[str, int]:
        """Sums over the shards of an entry with counts by name."""
        summed: Counter[str] = Counter()
        for numbers in self.held.numbers:
            summed.update(numbers.get(key, {}))
        return dict(sorted(summed.items()))

    def made_total(self, key: str) -> int:
        """Sum of an integer entry over the shards made in this run."""
        each = zip(self.shards, self.held.numbers, strict=True)
        return sum(int(numbers.get(key, 0)) for shard, numbers in each if shard in self.made)

    def total(self, key: str) -> int:
        """Sum of an integer entry over the shards."""
        return sum(int(numbers.get(key, 0)) for numbers in self.held.numbers)


def manifest_path(folder: Path, shard: int) -> Path:
    """Path of the manifest of one shard of a stage."""
    return folder / "_manifests" / f"shard-{shard:03d}.json"


def run_stage(
    stage: str,
    folder: Path,
    root: Path,
    tasks: Sequence[ShardTask],
    workers: Workers,
    log: Log,
    beside: Sequence[Path] = (),
) -> StageReport:
    """Makes every shard of `tasks` that is not current.

    Args:
        stage: name for manifests and log lines.
        folder: of the stage's manifests.
        root: the data root's path, to which file names are relative.
        tasks: one per shard.
        workers: processes to use, or an engine; the result does not depend on it.
        log: receives a line per shard.
        beside: other folders written by this stage only.
    """
    due, held = _looked_at(folder, root, tasks)
    if due:
        _sweep(stage, (folder, *beside), log)
    log(f"{stage}: {len(due)} of {len(tasks)} shards to make, {len(tasks) - len(due)} are current")
    make, put = _Maker(stage, folder, root), _putting(root, log)
    if isinstance(workers, int):
        workers = min(workers, max(1, len(due)))
    for done, shard in enumerate(map_unordered(make, due, workers) if due else (), start=1):
        log(f"{stage}: shard {shard} made ({done} of {len(due)})")
        put(manifest_path(folder, shard))
    if due and not isinstance(workers, int):
        _sweep(stage, (folder, *beside), log)  # left by a machine that died while writing
    for task in tasks:
        put(manifest_path(folder, task.shard))  # made by an earlier run that ended before it was pushed
    made = [task.shard for task in due]
    skipped = [task.shard for task in tasks if task.shard not in made]
    return StageReport(stage, made, skipped, _held(folder, tasks) if due else held)


def due_tasks(folder: Path, root: Path, tasks: Sequence[Task]) -> list[Task]:
    """The tasks whose shard is not current; see `run_stage` for the arguments."""
    return _looked_at(folder, root, tasks)[0]


def _looked_at(folder: Path, root: Path, tasks: Sequence[Task]) -> tuple[list[Task], Held]:
    """The due tasks, and a summary of the other shards, in one pass because manifests of many records are large."""
    present, due, held = Presence(root), list[Task](), Held()
    for task in tasks:
        manifest = read_manifest(manifest_path(folder, task.shard))
        if manifest is not None and manifest.stands(task.fingerprint, present):
            held.add(manifest)
        else:
            due.append(task)
    return due, held


def _held(folder: Path, tasks: Sequence[ShardTask]) -> Held:
    held = Held()
    for task in tasks:
        manifest = read_manifest(manifest_path(folder, task.shard))
        if manifest is not None:
            held.add(manifest)
    return held


def _sweep(stage: str, folders: Sequence[Path], log: Log) -> None:
    left = sum(remove_temporaries(folder) for folder in folders)
    if left:
        log(f"{stage}: removed {left} unfinished files of interrupted work")


def _putting(root: Path, log: Log) -> Callable[[Path], object]:
    """A function that pushes a shard by its manifest if the data root is in a bucket, and otherwise does nothing."""
    copy = working_copy_around(root, log)
    if copy is None:
        return lambda manifest: None
    return lambda manifest: push_shard(copy, manifest, log)


@dataclass(frozen=True)
class _Maker:
    """Picklable: makes one shard, removes its obsolete files, and writes the manifest."""

    stage: str
    folder: Path
    root: Path

    def __call__(self, task: ShardTask) -> int:
        path = manifest_path(self.folder, task.shard)
        before = read_manifest(path)
        held = before.files if before else {}
        # If the process is killed from here on, the shard matches no fingerprint, and its old files are still listed.
        info = before.info if before else {}
        write_manifest(path, Manifest(stage=self.stage, fingerprint="", files=held, info=info))
        files, info = task.make()
        # The manifest is flushed after the files, because it marks them as complete.
        flush([self.root / name for name in files])
        check_locks()
        for name in sorted(set(held) - set(files)):
            (self.root / name).unlink(missing_ok=True)
        write_manifest(path, Manifest(stage=self.stage, fingerprint=task.fingerprint, files=files, info=info))
        return task.shard
