"""Runs one stage over its shards: skips what is current, makes the rest, drops what no longer belongs."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ecg_assets.store.atomic import flush, remove_temporaries
from ecg_assets.store.bucket_copy import working_copy_around
from ecg_assets.store.bucket_push import push_shard
from ecg_assets.store.engine import Workers, map_unordered
from ecg_assets.store.fingerprint import fingerprint
from ecg_assets.store.manifest import Manifest, is_current, read_manifest, write_manifest
from ecg_assets.store.presence import Presence

Log = Callable[[str], None]


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

        They need not be flushed to the disk: `run_stage` does so before it writes the manifest.
        """
        ...


Task = TypeVar("Task", bound=ShardTask)


@dataclass(frozen=True)
class StageReport:
    """What a stage did.

    Attributes:
        stage: its name.
        made: shards made in this run.
        skipped: shards whose fingerprint matched.
        manifests: one a shard, in the shards' order.
    """

    stage: str
    made: list[int]
    skipped: list[int]
    manifests: list[Manifest] = field(repr=False)

    @property
    def shards(self) -> list[int]:
        """All shards, in order; each has its manifest."""
        return sorted([*self.made, *self.skipped])

    @property
    def digest(self) -> str:
        """Hash of all that the stage holds now; equal content gives an equal digest."""
        return fingerprint([manifest.files for manifest in self.manifests])

    def counts(self, key: str) -> dict[str, int]:
        """Sums by name of an `info` entry that counts things by name, over the shards."""
        summed: Counter[str] = Counter()
        for manifest in self.manifests:
            summed.update(manifest.info.get(key, {}))
        return dict(sorted(summed.items()))

    def made_total(self, key: str) -> int:
        """Sum of a whole-number `info` entry over the shards that were made in this run."""
        made = zip(self.shards, self.manifests, strict=True)
        return sum(int(manifest.info.get(key, 0)) for shard, manifest in made if shard in self.made)

    def total(self, key: str) -> int:
        """Sum of a whole-number `info` entry over the shards."""
        return sum(int(manifest.info.get(key, 0)) for manifest in self.manifests)


def manifest_path(folder: Path, shard: int) -> Path:
    """Where the manifest of one shard of a stage lies."""
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
        folder: holds the stage's manifests.
        root: the data root's path, to which file names are relative.
        tasks: one a shard.
        workers: processes to use, or an engine; the result does not depend on it.
        log: receives a line a shard.
        beside: other folders that only this stage writes.
    """
    _sweep(stage, (folder, *beside), log)
    due = due_tasks(folder, root, tasks)
    log(f"{stage}: {len(due)} of {len(tasks)} shards to make, {len(tasks) - len(due)} are current")
    make, put = _Maker(stage, folder, root), _putting(root, log)
    if isinstance(workers, int):
        workers = min(workers, max(1, len(due)))
    for done, shard in enumerate(map_unordered(make, due, workers) if due else (), start=1):
        log(f"{stage}: shard {shard} made ({done} of {len(due)})")
        put(manifest_path(folder, shard))
    if due and not isinstance(workers, int):
        _sweep(stage, (folder, *beside), log)  # a machine that died in the middle has left some
    for task in tasks:
        put(manifest_path(folder, task.shard))  # made by an earlier run that ended before it was put
    manifests = [read_manifest(manifest_path(folder, task.shard)) for task in tasks]
    made = [task.shard for task in due]
    return StageReport(
        stage=stage,
        made=made,
        skipped=[task.shard for task in tasks if task.shard not in made],
        manifests=[manifest for manifest in manifests if manifest is not None],
    )


def due_tasks(folder: Path, root: Path, tasks: Sequence[Task]) -> list[Task]:
    """Those of the tasks whose shard is not current; see `run_stage` for the arguments."""
    present = Presence(root)
    return [task for task in tasks if not is_current(manifest_path(folder, task.shard), task.fingerprint, present)]


def _sweep(stage: str, folders: Sequence[Path], log: Log) -> None:
    left = sum(remove_temporaries(folder) for folder in folders)
    if left:
        log(f"{stage}: removed {left} unfinished files of interrupted work")


def _putting(root: Path, log: Log) -> Callable[[Path], object]:
    """Puts a shard into the bucket by its manifest, where the data root is in one; nothing has to be done elsewhere."""
    copy = working_copy_around(root, log)
    if copy is None:
        return lambda manifest: None
    return lambda manifest: push_shard(copy, manifest, log)


@dataclass(frozen=True)
class _Maker:
    """Picklable: makes one shard, removes the files it held before and holds no more, writes the manifest."""

    stage: str
    folder: Path
    root: Path

    def __call__(self, task: ShardTask) -> int:
        path = manifest_path(self.folder, task.shard)
        before = read_manifest(path)
        held = before.files if before else {}
        # Killed from here on, the shard matches no fingerprint, and what it held is still known.
        info = before.info if before else {}
        write_manifest(path, Manifest(stage=self.stage, fingerprint="", files=held, info=info))
        files, info = task.make()
        # The manifest vouches for them, so it comes to the disk after them.
        flush([self.root / name for name in files])
        for name in sorted(set(held) - set(files)):
            (self.root / name).unlink(missing_ok=True)
        write_manifest(path, Manifest(stage=self.stage, fingerprint=task.fingerprint, files=files, info=info))
        return task.shard
