"""Checks the small state files, each with its own seal, for changes since they were written.

Manifests are checked with the files that they list, and the index with its hash in the manifest.
"""

import json
from collections.abc import Callable, Iterator
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


_OF_RUNS = ("config.json", "state.json", "stamp.json", "process.json", "report/scores.json")
_PATTERNS = (
    "store.json",
    "source_listing.json",
    "dataset_grid_wave_mix/dataset.json",
    "scans/digitization/scores.json",
    f"scans/inbox/{MANIFEST_NAME}",
    "runs/published.json",
    "champion/champion.json",
    "champion/previous.json",
    f"{KNOWN}/**/*.json",
    *(f"runs/{run}/{name}" for run in _RUNS for name in _OF_RUNS),
)


def state_files(root: DataRoot) -> Iterator[Verdict]:
    """A verdict on each existing state file."""
    for pattern in _PATTERNS:
        for path in sorted(root.path.glob(pattern)):
            yield _verdict(root, path, _sealed_json)
    for stage in stages_of(root):
        if (stage.folder / SETTINGS).exists():
            yield _verdict(root, stage.folder / SETTINGS, _settings)
    for path in sorted(root.pictures.glob("*.kept")):
        yield _verdict(root, path, _kept)
    for name, look in ((f"champion/{HISTORY}", history_damage), ("synthetic_source/.made_from", made_from_damage)):
        if (root.path / name).exists():
            yield _verdict(root, root.path / name, look)
    yield from _dataset(root)


def _verdict(root: DataRoot, path: Path, look: Callable[[Path], tuple[str | None, bool]]) -> Verdict:
    """Checks one file; `look` returns its problem, and whether a hash covers it."""
    lies = what_lies_at(path)
    if lies:
        return Verdict(root.relative(path), f"is {lies}, expected a file; move it away")
    damage, covered = look(path)
    return Verdict(root.relative(path), damage, covered)


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
    """A problem that seals do not show: the dataset's facts have another digest than its manifests."""
    facts = root.dataset / "dataset.json"
    try:
        body, covered = unsealed(read_plain(facts))
        told, held = json.loads(body)["digest"], None if covered else digest_of_shards(root)
    except (OSError, ValueError, LookupError, TypeError, RecursionError, ManifestError):
        return  # already reported, or missing
    if held is not None and told != held:
        yield Verdict(root.relative(facts), "has another digest than its shards")
