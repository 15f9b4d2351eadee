"""Explains why a shard is stale: compares its recorded inputs with the present ones."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from ecg_assets.store.file_index import Presence
from ecg_assets.store.manifest import Manifest, manifest_paths, read_manifest
from ecg_assets.store.stages.provenance import MadeFrom, read_made_from
from ecg_assets.store.stages.runner import manifest_path

NEVER_MADE = "no manifest: it was never made"
UNFINISHED = "begun and not finished"
_SHOWN = 3
_PLAIN = 40  # characters; hashes are longer


class Planned(Protocol):
    """The present inputs of a shard."""

    @property
    def shard(self) -> int: ...

    @property
    def made_from(self) -> MadeFrom: ...

    @property
    def fingerprint(self) -> str: ...


Plan = TypeVar("Plan", bound=Planned)


@dataclass(frozen=True)
class ShardState:
    """One manifest of a stage.

    Attributes:
        name: `shard-003`, or the manifest's name.
        files: number of files that it lists.
        reasons: why the next run makes it again; empty if it is current.
    """

    name: str
    files: int
    reasons: tuple[str, ...]


def planned_states(
    folder: Path, root: Path, planned: Sequence[Plan], seen: Callable[[Plan, Manifest], object] | None = None
) -> list[ShardState]:
    """The state of each shard that a run would check now.

    Args:
        folder: the stage's, with its manifests.
        root: the data root's path, to which file names are relative.
        planned: the shards that the run would make.
        seen: called with each plan and its manifest, which are too large to keep or to read twice.

    Raises:
        ManifestError: a manifest cannot be read.
    """
    states, present = [], Presence(root)
    for plan in planned:
        path = manifest_path(folder, plan.shard)
        manifest = read_manifest(path)
        if seen is not None and manifest is not None:
            seen(plan, manifest)
        reasons = [NEVER_MADE] if manifest is None else [*own_reasons(manifest, present), *_changes(manifest, plan)]
        states.append(ShardState(path.stem, len(manifest.files) if manifest else 0, tuple(reasons)))
    return states


def own_states(folder: Path, root: Path, code_version: str | None = None) -> list[ShardState]:
    """The state of each existing manifest without a plan: whether it is finished and its files exist.

    Args:
        folder: the stage's, with its manifests.
        root: the data root's path, to which file names are relative.
        code_version: the stage's present one; None if the manifests do not record theirs.

    Raises:
        ManifestError: a manifest cannot be read.
    """
    states, present = [], Presence(root)
    for path in manifest_paths(folder):
        manifest = read_manifest(path)
        if manifest is not None:
            reasons = [*own_reasons(manifest, present), *_told_version(read_made_from(manifest), code_version)]
            states.append(ShardState(path.stem, len(manifest.files), tuple(reasons)))
    return states


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> tuple[list[str], list[str], list[str]]:
    """Names whose value has changed, new names, and removed names; each sorted."""
    changed = sorted(name for name in before.keys() & now.keys() if before[name] != now[name])
    return changed, sorted(now.keys() - before.keys()), sorted(before.keys() - now.keys())


def told_records(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """A phrase for each way in which records differ: `2 records changed (a, b)`."""
    changes = zip(("changed", "new", "removed"), differences(before, now), strict=True)
    return [f"{_counted(len(names), 'record')} {how} ({_few(names)})" for how, names in changes if names]


def own_reasons(manifest: Manifest, present: Presence) -> list[str]:
    """Why a manifest is stale by itself: it is unfinished, or its files are missing."""
    if not manifest.fingerprint:
        return [UNFINISHED]
    missing = present.missing(manifest.files)
    return [f"{_counted(len(missing), 'file')} missing ({_few(sorted(missing))})"] if missing else []


def _changes(manifest: Manifest, plan: Planned) -> list[str]:
    before, now = read_made_from(manifest), plan.made_from
    if not manifest.fingerprint or manifest.fingerprint == plan.fingerprint:
        return []
    if before is None:
        return ["made from something else; its manifest is of an earlier version and does not say what"]
    said = [*_told_version(before, now.code_version)]
    said += [f"config: {one}" for one in _told_config(before.config, now.config)]
    return said + told_records(before.inputs, now.inputs)


def _told_version(before: MadeFrom | None, now: str | None) -> list[str]:
    if before is None or now is None or before.code_version == now:
        return []
    return [f"code version {before.code_version} is now {now}"]


def _told_config(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    changed, new, gone = differences(before, now)
    plain = [name for name in changed if len(before[name] + now[name]) <= _PLAIN]
    told = [f"{name} {before[name]} is now {now[name]}" for name in plain]
    # Settings that are hashes (of a style, table or file) are only named.
    hashed = [name for name in changed if name not in plain]
    kinds = ((hashed, "changed"), (new, "new"), (gone, "gone"))
    return [*told, *(f"{_few(names)} {how}" for names, how in kinds if names)]


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
