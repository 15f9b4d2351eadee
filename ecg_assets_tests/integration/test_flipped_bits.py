"""A bit that is flipped in any file of a data root is named by `ecg-assets verify`."""

import random
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ecg_assets.cli import main
from ecg_assets.records.kaggle.subset_manifest import SubsetManifest, Wanted, write_subset
from ecg_assets.records.synthetic.folder import write_synthetic_source
from ecg_assets.store.bucket.address import parse_address
from ecg_assets.store.bucket.client import BucketObjects
from ecg_assets.store.bucket.working_copy import BucketManifest, Known, WorkingCopy
from ecg_assets.store.cached_file import kept
from ecg_assets.store.fingerprint import fingerprint, sha256_bytes, sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.sealed import is_sealed, unsealed, write_sealed_json, write_sealed_text
from ecg_assets.training.checkpoints.hashed_safetensors import write_sealed
from ecg_assets.training.config import load_config
from ecg_assets.training.evaluation.champion import decide
from ecg_assets.training.evaluation.scorecard import Scorecard, scorecard_path
from ecg_assets.training.launch.process_record import note_launch
from ecg_assets.training.models.registry import NetworkSpec
from ecg_assets.training.monitoring.provenance import stamp
from ecg_assets.training.runs.prepare import prepare_run
from ecg_assets.training.runs.published import note_published
from ecg_assets.training.runs.run_state import RunState, write_state
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.training.evaluation.cards import card_with

# What decides nothing: logs of trainings, and empty files.
UNCOVERED = ("events.jsonl", ".lock")


def unused(*_: object) -> Scorecard:
    raise AssertionError("on the same dataset nothing is scored again")


def add_states(root: DataRoot) -> None:
    """Files of every kind that a data root with trainings, downloads and a bucket has, by what writes them."""
    run = prepare_run(root, load_config("demo"), quiet)
    spec = NetworkSpec(classes=5, widths=(8, 16))
    for number, path in enumerate((run.best, run.last, run.previous)):
        write_sealed(path, spec.build().state_dict(), {"network": spec.model_dump_json(), "number": str(number)})
    write_state(run, RunState(fingerprint="f", epochs_done=0, finished=False, best_epoch=0, history=[]))
    write_sealed_json(run.path / "stamp.json", stamp(run, []))
    note_launch(run.path, 1, "token")
    note_published(root, "demo", run.best, sha256_file(run.best))
    for number, path in enumerate((run.best, run.last)):
        card = card_with("demo", "d", sha256_file(path), wave=0.5 + number / 10)
        write_sealed_text(scorecard_path(run), card.model_dump_json(indent=1) + "\n")
        decide(root, card, path, unused, quiet)
    shutil.copytree(run.path, root.runs / ".archive" / "demo" / "2026-01-01T00-00-00Z")
    (root.scans / "inbox" / "1").mkdir(parents=True)
    (root.scans / "inbox" / "1" / "1.csv").write_text("1")
    write_subset(
        root.scans / "inbox", SubsetManifest(wanted=Wanted(competition="c"), files={"1/1.csv": sha256_bytes(b"1")})
    )
    kept(root.pictures / "one.kept", fingerprint("one"), lambda: b"a picture")
    write_synthetic_source(root.path / "synthetic_source", 2, 0, quiet)
    copy = WorkingCopy(root.path, BucketObjects(parse_address("gs://bucket/x"), quiet))
    copy.note("runs/demo/run.json", Known(generation=1, manifest=BucketManifest(files={})))


@pytest.fixture
def full(made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    folder = tmp_path / "data_root"
    shutil.copytree(made_root.path, folder, symlinks=True)
    monkeypatch.setenv("ECG_ASSETS_DATA", str(folder))
    root = DataRoot(folder, made_root.shards)
    add_states(root)
    return root


def verify() -> Result:
    result = CliRunner().invoke(main, ["verify"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def by_kind(root: DataRoot) -> dict[str, list[Path]]:
    """All files with something in them, by their place and name with all numbers taken out."""
    kinds: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(root.path.rglob("*")):
        if path.is_file() and path.name not in UNCOVERED and path.stat().st_size:
            kinds[re.sub(r"\d+", "N", root.relative(path))].append(path)
    return kinds


def flipped(path: Path, rng: random.Random) -> Iterator[int]:
    """Flips one bit while the loop's body runs; gives its number."""
    whole = path.read_bytes()
    bit = rng.randrange(8 * len(whole))
    content = bytearray(whole)
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    yield bit
    path.write_bytes(whole)


def test_one_bit_in_a_file_of_every_kind_is_named_and_every_file_that_decides_has_a_hash(full: DataRoot) -> None:
    whole, rng = verify(), random.Random(1)
    assert whole.exit_code == 0, whole.output
    assert "without a hash" not in whole.output
    kinds = by_kind(full)
    assert len(kinds) > 30
    settings = full.path / "store.json"
    for _ in flipped(settings, rng):
        assert f"{settings} has changed since it was written" in verify().output
    # A damaged list is named alone: what it lists cannot be looked at then.
    lists = [kind for kind in kinds if "_manifests/" in kind or kind.endswith("kaggle_subset.json")]
    for together in (lists, [kind for kind in kinds if kind not in (*lists, "store.json")]) * 2:
        chosen = [rng.choice(kinds[kind]) for kind in together]
        flips = [flipped(path, rng) for path in chosen]
        bits = [next(flip) for flip in flips]
        result = verify()
        assert result.exit_code == 1
        pairs = zip(chosen, bits, strict=True)
        assert [(full.relative(path), bit) for path, bit in pairs if not is_named(full, path, result)] == []
        for flip in flips:
            next(flip, None)


def is_named(root: DataRoot, path: Path, result: Result) -> bool:
    name = root.relative(path)
    # The records of a synthetic source are told by the note beside them.
    name = "synthetic_source/.made_from" if name.startswith("synthetic_source/") else name
    return any(line.startswith(f"{name} ") for line in result.output.splitlines())


def test_files_of_earlier_versions_are_read_and_told_to_be_without_a_hash(full: DataRoot) -> None:
    bare = [path for path in full.path.rglob("*.json") if is_sealed(path)]
    for path in bare:
        path.write_bytes(unsealed(path.read_bytes())[0])
    result = verify()
    assert result.exit_code == 0, result.output
    assert f"{len(bare)} files were written by an earlier version without a hash" in result.output
    assert CliRunner().invoke(main, ["status"]).exit_code == 0


@pytest.mark.soak
def test_hundreds_of_flipped_bits_over_all_kinds_of_files_are_named(full: DataRoot) -> None:
    rng, seen = random.Random(), 0
    kinds = list(by_kind(full).values())
    for number in range(400):
        path = rng.choice(kinds[number % len(kinds)])
        for bit in flipped(path, rng):
            result = verify()
            assert result.exit_code == 1, f"bit {bit} of {path}"
            assert path.name == "store.json" or is_named(full, path, result), f"bit {bit} of {path}: {result.output}"
            seen += 1
    assert verify().exit_code == 0
    print(f"{seen} flipped bits in files of {len(kinds)} kinds, all named")  # noqa: T201 - what pytest -s is asked for
