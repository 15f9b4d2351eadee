"""Reports for each image of the inbox whether its results are current, or why they are stale."""

from collections.abc import Callable, Collection
from pathlib import Path

from ecg_assets.scans.inbox import images_in, inbox
from ecg_assets.scans.stage import fingerprints_now
from ecg_assets.store.file_index import Presence
from ecg_assets.store.manifest import MANIFESTS, Manifest, manifest_paths, read_manifest
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.staleness import ShardState, own_reasons
from ecg_assets.training.evaluation.champion_store import read_champion

NEW, GONE = "new in the inbox, or it cannot be read", "its image is gone from the inbox"
OTHER_CHAMPION, OTHER_IMAGE = "segmented by another champion", "the image or the code version has changed"


def segmentation_states(root: DataRoot, folder: Path) -> list[ShardState]:
    """Each image of `scan_segmentations`, compared with the present image and champion.

    Raises:
        ManifestError, ChampionError: one of their files is damaged.
    """
    champion = read_champion(root)
    weights = "" if champion is None else champion.sha256
    wanted = fingerprints_now(root, weights) if _has_inbox(root) else {}

    def changes(name: str, manifest: Manifest) -> list[str]:
        if manifest.fingerprint == wanted[name]:
            return []
        return [OTHER_IMAGE if manifest.info.get("checkpoint_sha256") == weights else OTHER_CHAMPION]

    return _states(root, folder, wanted, changes)


def digitization_states(root: DataRoot, folder: Path) -> list[ShardState]:
    """Each image of `digitized_signals`: read or not. Its manifest does not record the settings.

    Raises:
        ManifestError: a manifest is damaged.
    """
    images = images_in(root) if _has_inbox(root) else []
    return _states(root, folder, [path.relative_to(inbox(root)).as_posix() for path in images], lambda *_: [])


def _states(
    root: DataRoot, folder: Path, names: Collection[str], changes: Callable[[str, Manifest], list[str]]
) -> list[ShardState]:
    states, present = {name: ShardState(name, 0, (NEW,)) for name in names}, Presence(root.path)
    for path in manifest_paths(folder):
        name = path.relative_to(folder / MANIFESTS).as_posix().removesuffix(".json")
        manifest = read_manifest(path)
        if manifest is not None:
            said = changes(name, manifest) if name in names else [GONE]
            states[name] = ShardState(name, len(manifest.files), (*own_reasons(manifest, present), *said))
    return [states[name] for name in sorted(states)]


def _has_inbox(root: DataRoot) -> bool:
    return (root.scans / "inbox").is_dir()  # listing its images would create it
