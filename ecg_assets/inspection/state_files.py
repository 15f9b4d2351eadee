"""Small files that decide something, each with a seal of its own: whether their bytes are those that were written.

Manifests are told with what they list, and the index with the hash that its manifest has of it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.records.kaggle.subset_manifest import MANIFEST_NAME
from ecg_assets.records.synthetic.folder import made_from_damage
from ecg_assets.samples.stage import digest_of_shards
from ecg_assets.store.bucket.working_copy import KNOWN
from ecg_assets.store.cached_file import is_whole
from ecg_assets.store.manifest import ManifestError
from ecg_assets.store.plain_file import NotAPlainFileError, read_plain, what_lies_at
from ecg_assets.store.root import DataRoot
from ecg_assets.store.safe_yaml import YamlFileError
from ecg_assets.store.sealed import SEAL_BROKEN, SealBrokenError, unsealed
from ecg_assets.store.stages.data_root_stages import stages_of
from ecg_assets.store.stages.integrity import Verdict
from ecg_assets.store.stages.provenance import SETTINGS, read_settings
from ecg_assets.training.evaluation.champion_store import HISTORY, history_damage

_RUNS = ("*", ".archive/*/*", ".previous/*")


@dataclass(frozen=True)
class _Kind:
    """Files that are damaged and mended alike.

    Attributes:
        pattern: of their places below the data root.
        remedy: what to do with a damaged one; an empty text where deleting it is enough.
    """

    pattern: str
    remedy: str = ""


_OF_RUNS = {
    "config.json": "move its run folder away, and train again",
    "state.json": "move its run folder away, and train again",
    "stamp.json": "",
    "process.json": "delete it when no training runs in that folder",
    "report/scores.json": "delete it and materialise evaluation_report",
}
_KINDS = (
    _Kind("store.json"),
    _Kind("source_listing.json"),
    _Kind("dataset_grid_wave_mix/dataset.json", "delete it and materialise mixed_dataset"),
    _Kind("scans/digitization/scores.json", "delete it and materialise digitization_report"),
    _Kind(f"scans/inbox/{MANIFEST_NAME}", "delete it and download the subset again: files that are there are kept"),
    _Kind("runs/published.json", "delete it and materialise trained_checkpoint"),
    _Kind("champion/champion.json", "delete it and champion.safetensors beside it, and materialise champion"),
    _Kind("champion/previous.json", "delete it and previous.safetensors beside it, and materialise champion"),
    _Kind(f"{KNOWN}/**/*.json"),
    *(_Kind(f"runs/{run}/{name}", remedy) for run in _RUNS for name, remedy in _OF_RUNS.items()),
)


def state_files(root: DataRoot) -> Iterator[Verdict]:
    """A verdict on each of them that is there."""
    for kind in _KINDS:
        for path in sorted(root.path.glob(kind.pattern)):
            yield _verdict(root, path, kind.remedy, _sealed_json)
    for stage in stages_of(root):
        if (stage.folder / SETTINGS).exists():
            yield _verdict(root, stage.folder / SETTINGS, "", _settings)
    for path in sorted(root.pictures.glob("*.kept")):
        yield _verdict(root, path, "", _kept)
    for name, look in ((f"champion/{HISTORY}", history_damage), ("synthetic_source/.made_from", made_from_damage)):
        if (root.path / name).exists():
            yield _verdict(root, root.path / name, "", look)
    yield from _dataset(root)


def _verdict(root: DataRoot, path: Path, remedy: str, look: Callable[[Path], tuple[str | None, bool]]) -> Verdict:
    """Looks at one file; `look` tells what is wrong with it, and whether a hash covers it."""
    lies = what_lies_at(path)
    if lies:
        return Verdict(root.relative(path), f"is {lies}, expected a file; move it away")
    damage, covered = look(path)
    return Verdict(root.relative(path), f"{damage}; {remedy}" if damage and remedy else damage, covered)


def _sealed_json(path: Path) -> tuple[str | None, bool]:
    try:
        body, covered = unsealed(read_plain(path))
        if isinstance(json.loads(body), dict):
            return None, covered
    except SealBrokenError:
        return f"is damaged: {SEAL_BROKEN}", True
    except (ValueError, RecursionError):
        pass
    return "is damaged: it is no JSON text with fields", True


def _settings(path: Path) -> tuple[str | None, bool]:
    try:
        read_settings(path.parents[1])
        return None, unsealed(read_plain(path))[1]
    except (YamlFileError, NotAPlainFileError) as error:
        return str(error).removeprefix(f"{path} "), True


def _kept(path: Path) -> tuple[str | None, bool]:
    whole = is_whole(path)
    return (None, False) if whole is None else (None if whole else "has changed since it was made", True)


def _dataset(root: DataRoot) -> Iterator[Verdict]:
    """Only what is wrong where no seal tells: the facts of the dataset have another digest than its manifests give."""
    facts = root.dataset / "dataset.json"
    try:
        body, covered = unsealed(read_plain(facts))
        told, held = json.loads(body)["digest"], None if covered else digest_of_shards(root)
    except (OSError, ValueError, LookupError, TypeError, RecursionError, ManifestError):
        return  # told already, or there is none
    if held is not None and told != held:
        yield Verdict(root.relative(facts), "tells another digest than its shards have; materialise mixed_dataset")
