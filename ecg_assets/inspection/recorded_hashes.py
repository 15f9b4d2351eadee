"""Files of which something else than a stage's manifest notes the hash: the index, downloads, champions."""

from collections.abc import Iterator

from ecg_assets.records.index import IndexMissingError, accepted_records
from ecg_assets.records.kaggle.subset_manifest import MANIFEST_NAME, read_subset
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.manifest import manifest_paths, read_manifest
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.integrity import Verdict
from ecg_assets.training.evaluation.champion_store import (
    ChampionError,
    champion_checkpoint,
    has_its_weights,
    previous_has_its_weights,
    read_champion,
    read_previous,
)


def noted_elsewhere(root: DataRoot) -> Iterator[Verdict]:
    """Hashes each of them and compares it with what was noted.

    Raises:
        ManifestError: the records' manifest cannot be read.
    """
    yield from _index(root)
    yield from _downloads(root)
    yield from _champions(root)


def _index(root: DataRoot) -> Iterator[Verdict]:
    """The index holds the hash of each record, as the manifest beside it does."""
    manifests = [read_manifest(path) for path in manifest_paths(root.ori_csv)]
    noted = sorted(hash_ for one in manifests if one is not None and one.fingerprint for hash_ in one.files.values())
    if not noted:
        return
    damage = None
    try:
        if sorted(accepted_records(root, ["sha256"])["sha256"]) != noted:
            damage = "tells of other records than its manifest"
    except IndexMissingError as error:
        damage = str(error).removeprefix(f"{root.index} ")
    yield Verdict(root.relative(root.index), damage)


def _downloads(root: DataRoot) -> Iterator[Verdict]:
    """Scans and photos that were downloaded, against the hashes with which they came."""
    inbox = root.scans / "inbox"
    subset = read_subset(inbox)
    if subset is None:
        if (inbox / MANIFEST_NAME).exists():
            yield Verdict(root.relative(inbox / MANIFEST_NAME), "is no list of downloads")
        return
    for name, sha256 in subset.files.items():
        path = inbox / name
        damage = None if path.is_file() else "is missing"
        if damage is None and sha256_file(path) != sha256:
            damage = "has changed since it was downloaded"
        yield Verdict(root.relative(path), damage)


def _champions(root: DataRoot) -> Iterator[Verdict]:
    """Only what is wrong: as checkpoints, they are read and counted anyway; here it matters whose they are."""
    weights = champion_checkpoint(root)
    for read, fits, path in (
        (read_champion, has_its_weights, weights),
        (read_previous, previous_has_its_weights, weights.with_name("previous.safetensors")),
    ):
        card = path.with_suffix(".json")
        try:
            contender = read(root)
        except ChampionError as error:
            yield Verdict(root.relative(card), str(error).removeprefix(f"{card} "))
            continue
        if contender is not None and not fits(root, contender):
            yield Verdict(root.relative(path), f"is not the file of which {card.name} tells")
