"""The index tells when it was changed, or when the data root's number of shards was."""

import os
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from ecg_assets.cli import main
from ecg_assets.records.index import IndexMissingError, accepted_records, read_index
from ecg_assets.store.manifest import read_manifest, write_manifest
from ecg_assets.store.root import DataRoot, DataRootError, open_root
from ecg_assets_tests.inspection.copies import copied_root


@pytest.fixture
def root(made_root: DataRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataRoot:
    root = copied_root(made_root, tmp_path)
    monkeypatch.setenv("ECG_ASSETS_DATA", str(root.path))
    return root


def test_no_flipped_bit_changes_a_value_that_is_read(root: DataRoot) -> None:
    whole, before = root.index.read_bytes(), read_index(root)
    refused, rng = 0, random.Random(3)
    for bit in rng.sample(range(8 * len(whole)), 400):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        root.index.write_bytes(content)
        try:
            assert read_index(root).equals(before), f"bit {bit} changed a value"
        except IndexMissingError:
            refused += 1
    assert refused > 200


def test_an_index_of_an_earlier_version_is_read_and_checked_against_its_ids(root: DataRoot) -> None:
    table = pq.read_table(root.index)
    before = read_index(root)
    pq.write_table(table.replace_schema_metadata(None), root.index)
    assert read_index(root).equals(before)
    bare(root)
    assert "All " in CliRunner().invoke(main, ["verify"]).output
    ids = table["id"].to_pylist()
    splits = table["split"].to_pylist()
    splits[0] = "train" if splits[0] == "test" else "test"
    wrong = table.set_column(table.schema.get_field_index("split"), table.schema.field("split"), pa.array(splits))
    pq.write_table(wrong.replace_schema_metadata(None), root.index)
    said = CliRunner().invoke(main, ["verify"]).output
    assert f"ori_csv/index.parquet has record {ids[0]} in a shard or split that does not match its id" in said


def bare(root: DataRoot) -> None:
    """The records' manifest as earlier versions wrote it: without the hash of the index."""
    path = root.ori_csv / "_manifests" / "records.json"
    manifest = read_manifest(path)
    assert manifest is not None
    info = {name: value for name, value in manifest.info.items() if name != "index_sha256"}
    write_manifest(path, manifest.model_copy(update={"info": info}))


@pytest.mark.parametrize("shards", [116, 17, 8])
def test_another_number_of_shards_is_noticed_and_the_advice_brings_it_back(root: DataRoot, shards: int) -> None:
    root.settings.write_text(f'{{"shards": {shards}}}\n')
    other = open_root(root.path)
    with pytest.raises(DataRootError, match=rf'store.json: {shards} shards are not .* write {{"shards": 16}} into it'):
        accepted_records(other)
    for command in ("status", "verify"):
        result = CliRunner().invoke(main, [command])
        assert result.exit_code == 1
        assert 'write {"shards": 16} into it' in result.output
    root.settings.write_text('{"shards": 16}')
    assert CliRunner().invoke(main, ["verify"]).exit_code == 0


def test_settings_that_have_changed_are_refused_and_the_advice_brings_them_back(root: DataRoot) -> None:
    root.settings.write_bytes(root.settings.read_bytes().replace(b"16", b"17"))
    with pytest.raises(DataRootError, match=r'store.json has changed since it was written.* write {"shards": 16} into'):
        open_root(root.path)
    root.settings.write_text('{"shards": 16}')
    assert open_root(root.path).shards == 16


def test_a_pipe_in_the_index_s_place_hangs_nobody(root: DataRoot) -> None:
    root.index.unlink()
    os.mkfifo(root.index)
    with pytest.raises(IndexMissingError, match=r"index\.parquet is a named pipe, expected a file"):
        read_index(root)
