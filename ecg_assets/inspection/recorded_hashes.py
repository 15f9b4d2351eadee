"""Checks files whose hash is not recorded in a stage's manifest: the index, downloads, published weights."""

from collections.abc import Iterator

from ecg_assets.records.index import IndexMissingError, accepted_records
from ecg_assets.records.ingest import INDEX_SHA256, csv_path
from ecg_assets.records.kaggle.subset_manifest import MANIFEST_NAME, read_subset
from ecg_assets.store.manifest import Manifest, ManifestError, manifest_paths, read_manifest
from ecg_assets.store.root import DataRoot, DataRootError
from ecg_assets.store.splits import shard_of, split_of
from ecg_assets.store.stages.integrity import Verdict, file_damage
from ecg_assets.training.evaluation.champion_store import (
    ChampionError,
    champion_checkpoint,
    has_its_weights,
    previous_has_its_weights,
    read_champion,
    read_previous,
)
from ecg_assets.training.runs.published import NothingPublishedError, published_note, read_published


def noted_elsewhere(root: DataRoot) -> Iterator[Verdict]:
    """Hashes each of these files and compares it with the recorded hash."""
    yield from _index(root)
    yield from _downloads(root)
    yield from _champions(root)
    yield from _published(root)


def _index(root: DataRoot) -> Iterator[Verdict]:
    """Checks the index, whose hash is in the records' manifest, and the records' hashes in both."""
    try:
        manifests = [read_manifest(path) for path in manifest_paths(root.ori_csv)]
    except ManifestError:
        return  # reported as a manifest
    finished = [manifest for manifest in manifests if manifest is not None and manifest.fingerprint]
    if not finished:
        return
    damage, noted = None, finished[0].info.get(INDEX_SHA256)
    try:
        damage = _told_otherwise(root, finished[0])
    except (IndexMissingError, DataRootError) as error:
        damage = str(error).removeprefix(f"{root.index} ")
    if damage is None and noted is not None:
        damage = file_damage(root.index, str(noted), "it was written")
    yield Verdict(root.relative(root.index), damage, covered=noted is not None)


def _told_otherwise(root: DataRoot, manifest: Manifest) -> str | None:
    """Facts in the index that contradict its manifest, or follow differently from the id."""
    index = accepted_records(root, ["sha256", "shard", "split"])
    held = {
        root.relative(csv_path(root, record_id)): sha256
        for record_id, sha256 in zip(index["id"], index["sha256"], strict=True)
    }
    if held != manifest.files:
        return "lists other records than its manifest"
    for record_id, shard, split in zip(index["id"], index["shard"], index["split"], strict=True):
        if (shard, split) != (shard_of(record_id, root.shards), split_of(record_id)):
            return f"has record {record_id} in another shard or split than its id gives"
    return None


def _downloads(root: DataRoot) -> Iterator[Verdict]:
    """Downloaded scans and photos, compared with the hashes at download."""
    inbox = root.scans / "inbox"
    subset = read_subset(inbox)
    if subset is None:
        if (inbox / MANIFEST_NAME).exists():
            yield Verdict(root.relative(inbox / MANIFEST_NAME), "is no list of downloads, or has changed")
        return
    for name, sha256 in subset.files.items():
        yield Verdict(root.relative(inbox / name), file_damage(inbox / name, sha256, "it was downloaded"))


def _published(root: DataRoot) -> Iterator[Verdict]:
    """Problems only, as for champions."""
    if not published_note(root).exists():
        return
    try:
        read_published(root)
    except NothingPublishedError as error:
        name = root.relative(published_note(root))
        yield Verdict(name, str(error).removeprefix(f"{published_note(root)} "))


def _champions(root: DataRoot) -> Iterator[Verdict]:
    """Problems only: the files are already checked as checkpoints; here the identity of the weights is checked."""
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
            yield Verdict(root.relative(path), f"is not the file named in {card.name}")
