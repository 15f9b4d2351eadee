"""What the platform has written itself and reads again: manifests, the index, run folders."""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from ecg_assets.records.index import INDEX_SCHEMA, IndexMissingError, accepted_records, read_index
from ecg_assets.records.sources.base import is_plain_id
from ecg_assets.store.manifest import ManifestError, read_manifest
from ecg_assets.store.root import DataRoot, DataRootError, open_root
from ecg_assets.training.config import load_config
from ecg_assets.training.evaluation.champion_store import ChampionError, read_champion
from ecg_assets.training.runs.prepare import publish
from ecg_assets.training.runs.published import NothingPublishedError, published_experiment, read_published
from ecg_assets.training.runs.run_folder import RunFolder, RunFolderError
from ecg_assets.training.runs.run_state import is_finished, read_start, read_state
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.fuzz.attack import Builder, damaged, fuzz, refusal
from ecg_assets_tests.fuzz.trees import DEEP, wrong_trees
from ecg_assets_tests.training.evaluation.cards import card_with

MANIFEST = {
    "stage": "pages",
    "fingerprint": "ab",
    "files": {"data/1.png": "0" * 64},
    "info": {"pages": 1, "counts": {"a": 2}},
}
EPOCH = {
    "epoch": 1, "loss": 0.5, "learning_rate": 1e-3, "validation_loss": 0.25, "dice": {"wave": 0.5, "grid": None},
    "iou": {"wave": 0.25}, "foreground_dice": 0.5,
}  # fmt: skip
STATE = {"fingerprint": "ab", "epochs_done": 1, "finished": True, "best_epoch": 1, "history": [EPOCH]}
START = {
    "config": load_config("demo").model_dump(mode="json"),
    "dataset": "../x",
    "dataset_digest": "d",
    "fingerprint": "ab",
}
PUBLISHED = {"experiment": "demo", "sha256": "0" * 64}
CARD = card_with("demo", wave=0.9)
CHAMPION = {"experiment": "demo", "sha256": "0" * 64, "dataset_digest": "d", "score": 0.9, "card": CARD.model_dump()}
ROW = {
    "id": "7", "fs_hz": 500, "samples": 5000, "sha256": "0" * 64, "shard": 1, "split": "train", "status": "accepted",
    "source": "s", "licence": "l", "input_sha256": "1" * 64,
}  # fmt: skip


def parquet(rows: list[dict[str, Any]], schema: pa.Schema = INDEX_SCHEMA) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), target)
    return target.getvalue()


INDEX = parquet([ROW, {"id": "../8", "status": "quarantined", "code": "bad_id", "reason": "so"}])


def retyped(name: str, kind: pa.DataType) -> bytes:
    """The index with another type of one column."""
    fields = [pa.field(one.name, kind if one.name == name else one.type) for one in INDEX_SCHEMA]
    row = {**ROW, name: [ROW[name]] if pa.types.is_list(kind) else ROW[name]}
    return parquet([row], pa.schema(fields))


def read_a_manifest(path: Path) -> None:
    manifest = read_manifest(path)
    assert manifest is not None
    assert not any(name.startswith("/") or ".." in name.split("/") for name in manifest.files)


def read_the_index(path: Path) -> None:
    root = DataRoot(path.parent.parent, 16)
    assert read_index(root).columns.tolist() == INDEX_SCHEMA.names
    assert all(is_plain_id(one) for one in accepted_records(root)["id"])


def read_the_state(path: Path) -> None:
    run = RunFolder(path.parent)
    run.config.write_text(json.dumps(START))
    run.best.parent.mkdir(exist_ok=True)
    run.best.touch()
    state = read_state(run)
    assert state is not None
    if is_finished(run):
        assert publish(run, quiet).best_epoch == state.best_epoch


def read_the_start(path: Path) -> None:
    assert read_start(RunFolder(path.parent)).config.epochs >= 1


def read_the_settings(path: Path) -> None:
    assert 1 <= open_root(path.parent).shards <= 1024


def read_the_note(path: Path) -> None:
    root = in_its_place(path, "runs/published.json")
    assert isinstance(published_experiment(root), str)
    with suppress(NothingPublishedError):  # the note names weights that are not there
        read_published(root)


def read_the_champion(path: Path) -> None:
    assert read_champion(in_its_place(path, "champion/champion.json")) is not None


def in_its_place(path: Path, name: str) -> DataRoot:
    """A data root that holds the file under this name."""
    root = DataRoot(path.parent, 16)
    (root.path / name).parent.mkdir(exist_ok=True)
    (root.path / name).write_bytes(path.read_bytes())
    return root


Read = Callable[[Path], None]
KINDS: dict[str, tuple[str, Any, Read, type[Exception], int]] = {
    "manifest": ("shard-000.json", MANIFEST, read_a_manifest, ManifestError, 600),
    "settings": ("store.json", {"shards": 16}, read_the_settings, DataRootError, 100),
    "state": ("state.json", STATE, read_the_state, RunFolderError, 300),
    "start": ("config.json", START, read_the_start, RunFolderError, 200),
    "published": ("published.json", PUBLISHED, read_the_note, NothingPublishedError, 100),
    "champion": ("champion.json", CHAMPION, read_the_champion, ChampionError, 200),
}
# Tried on each of the readers of JSON.
ANYWHERE: dict[str, Builder] = {
    "lists in lists": lambda: b"[" * DEEP + b"]" * DEEP,
    "tables in tables": lambda: b'{"files": ' * DEEP + b"1" + b"}" * DEEP,
    "nothing": lambda: b"",
    "a list": lambda: b"[]",
    "null": lambda: b"null",
    "no UTF-8": lambda: b'{"stage": "\xff"}',
    "cut off": lambda: json.dumps(MANIFEST | STATE).encode()[:-5],
    "a number of 5000 digits": lambda: b'{"shards": ' + b"9" * 5000 + b"}",
}
CORPUS: dict[str, tuple[str, Builder]] = {
    "a hash that is none": ("published", lambda: json.dumps({**PUBLISHED, "sha256": None}).encode()),
    "a champion of another version": ("champion", lambda: json.dumps({**CHAMPION, "more": 1}).encode()),
    "true for a number": ("settings", lambda: b'{"shards": true}'),
    "a best epoch that is none": ("state", lambda: json.dumps({**STATE, "best_epoch": 2}).encode()),
    "a best epoch before the first": ("state", lambda: json.dumps({**STATE, "best_epoch": -1}).encode()),
    "finished without an epoch": ("state", lambda: json.dumps({**STATE, "history": []}).encode()),
    "a file that is a number": ("manifest", lambda: json.dumps({**MANIFEST, "files": {"a": 1}}).encode()),
    "a file above the root": ("manifest", lambda: json.dumps({**MANIFEST, "files": {"../a": "0"}}).encode()),
}
INDEXES: dict[str, Builder] = {
    "no Parquet": lambda: b"PAR1" + bytes(200),
    "cut off": lambda: INDEX[:-9],
    "nothing": lambda: b"",
    "an id that leads out": lambda: parquet([{**ROW, "id": "../7"}]),
    "ids that are lists": lambda: retyped("id", pa.list_(pa.string())),
    "shards that are texts": lambda: parquet([], INDEX_SCHEMA.set(4, pa.field("x", pa.string()))),
    "an accepted record without a rate": lambda: parquet([{**ROW, "fs_hz": None}]),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", ANYWHERE)
def test_what_is_no_such_file_is_refused_by_name(tmp_path: Path, shape: str, kind: str) -> None:
    name, _, read, error, _ = KINDS[kind]
    (tmp_path / name).write_bytes(ANYWHERE[shape]())
    assert refusal(tmp_path / name, read, (error,)) is not None


@pytest.mark.parametrize("shape", CORPUS)
def test_a_known_shape_is_refused_by_name(tmp_path: Path, shape: str) -> None:
    kind, build = CORPUS[shape]
    name, _, read, error, _ = KINDS[kind]
    (tmp_path / name).write_bytes(build())
    assert refusal(tmp_path / name, read, (error,)) is not None


@pytest.mark.parametrize("shape", INDEXES)
def test_a_known_shape_of_the_index_is_refused_by_name(tmp_path: Path, shape: str) -> None:
    path = open_root(tmp_path / "root").index
    path.parent.mkdir()
    path.write_bytes(INDEXES[shape]())
    assert refusal(path, read_the_index, (IndexMissingError,)) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_whole_is_read(tmp_path: Path, kind: str) -> None:
    name, whole, read, error, _ = KINDS[kind]
    (tmp_path / name).write_text(json.dumps(whole))
    assert refusal(tmp_path / name, read, (error,)) is None


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_of_damaged_states_are_read_or_refused_by_name(tmp_path: Path, kind: str) -> None:
    name, whole, read, error, examples = KINDS[kind]
    trees: st.SearchStrategy[bytes] = wrong_trees(whole).map(lambda tree: json.dumps(tree).encode())
    told = [
        fuzz(tmp_path / name, files, read, (error,), examples // 2)
        for files in (trees, damaged([json.dumps(whole).encode()]))
    ]
    print(kind, *told, sep="; ")  # noqa: T201 - what pytest -s is asked for
    assert all(one.refused for one in told)


@pytest.mark.soak
def test_hundreds_of_damaged_indexes_are_read_or_refused_by_name(tmp_path: Path) -> None:
    path = open_root(tmp_path / "root").index
    path.parent.mkdir()
    told = fuzz(path, damaged([INDEX, parquet([ROW])]), read_the_index, (IndexMissingError, DataRootError), 300)
    print("index", told, sep="; ")  # noqa: T201 - what pytest -s is asked for
    assert told.refused
