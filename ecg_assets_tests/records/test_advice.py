"""Every advice about records in the competition's shape: the fault is made, and doing what its message says helps."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecg_assets.assets.records import OneSource, RawCsvsConfig, source_config
from ecg_assets.records.index import INDEX_SCHEMA, IndexMissingError, accepted_records, read_index, write_index
from ecg_assets.records.ingest import DamagedRecordError, IngestReport, csv_path, ingest, load_record
from ecg_assets.records.record_csv import read_record
from ecg_assets.records.schema import record_problems
from ecg_assets.records.sources.base import SourceError
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.permissions import permissions_count
from ecg_assets_tests.records.einthoven import beats_mv, write_source
from ecg_assets_tests.records.wfdb.recordings import write_recording

FS_HZ = 250
IDS = ("101", "102", "103")


@dataclass
class Source:
    """A folder in the competition's shape, one of whose records comes to harm.

    Attributes:
        folder: of train.csv.
        csv: of that record.
        whole: what it held.
        said: the message about it.
    """

    folder: Path
    csv: Path
    whole: bytes
    said: str = ""

    @property
    def table(self) -> Path:
        return self.folder / "train.csv"

    def rewrite(self, change: Callable[[list[str]], list[str]]) -> None:
        self.csv.write_text("\n".join(change(self.csv.read_text().splitlines())) + "\n")

    def replace(self, old: str, new: str, count: int = 1) -> None:
        text = self.csv.read_text()
        assert old in text
        self.csv.write_text(text.replace(old, new, count))

    def replace_in_table(self, old: str, new: str) -> None:
        text = self.table.read_text()
        assert old in text
        self.table.write_text(text.replace(old, new))

    def fetch_again(self) -> None:
        self.csv.write_bytes(self.whole)

    def export_again(self) -> None:
        """As a program would that can read the file, whatever is odd about it."""
        header = [name.strip() for name in self.csv.read_text().partition("\n")[0].split(",")]
        pd.read_csv(self.csv, header=0, names=header).to_csv(self.csv, index=False)

    def rename(self, old: str, new: str) -> None:
        self.replace_in_table(f"{old},", f"{new},")
        place = self.folder / "train" / new / f"{new}.csv"
        place.parent.mkdir(exist_ok=True)
        next(self.folder.rglob(f"{old}.csv")).rename(place)


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "data")


@pytest.fixture
def source(tmp_path: Path) -> Source:
    folder = write_source(tmp_path / "source", IDS)
    csv = folder / "train" / "102" / "102.csv"
    return Source(folder, csv, csv.read_bytes())


def take(root: DataRoot, source: Source) -> IngestReport:
    return ingest(root, SourceConfig(source=str(source.folder)), quiet)


def columns(change: Callable[[list[str]], list[str]]) -> Callable[[list[str]], list[str]]:
    return lambda lines: [",".join(change(line.split(","))) for line in lines]


def cell(lines: list[str], written: str) -> list[str]:
    """The first one of row 100 written in another way."""
    value, _, rest = lines[100].partition(",")
    return [*lines[:100], f"{written.format(value)},{rest}", *lines[101:]]


def link_out(source: Source, path: Path) -> None:
    """Puts what is there beside the source, and a link to it in its place."""
    path.rename(source.folder.parent / path.name)
    path.symlink_to(source.folder.parent / path.name)


def copy_the_link(path: Path) -> None:
    held = path.resolve()
    path.unlink()
    shutil.copy(held, path)


def fs_of_the_message(source: Source) -> None:
    found = re.search(r"if it is a record of (\d+) Hz", source.said)
    assert found
    source.replace_in_table("102,500", f"102,{found[1]}")


Step = Callable[[Source], object]
RECORDS = [
    pytest.param(
        lambda s: s.rewrite(lambda lines: cell(lines, "{}x")),
        lambda s: s.replace("x", ""),
        id="no number",
        marks=pytest.mark.advice("records/csv_cells.py", "expected millivolts or an empty cell: correct it"),
    ),
    pytest.param(
        lambda s: s.rewrite(lambda lines: [lines[0], lines[1].replace("0", "inf", 1), *lines[2:]]),
        lambda s: s.replace("inf", "0"),
        id="an infinite value",
        marks=pytest.mark.advice("records/record_csv.py", ": the value is infinite; expected millivolts: correct it"),
    ),
    pytest.param(
        lambda s: s.rewrite(columns(lambda cells: [*cells[:-1], "V6" if cells[-1] == "V6" else ""])),
        Source.fetch_again,
        id="an empty lead",
        marks=pytest.mark.advice("records/record_csv.py", "expected at least its printed window: export it again"),
    ),
    pytest.param(
        lambda s: s.csv.write_text(s.csv.read_text()[:-30]),
        Source.fetch_again,
        id="cut off",
        marks=pytest.mark.advice("records/csv_cells.py", ": the file is damaged or cut off; fetch it again"),
    ),
    pytest.param(
        lambda s: s.rewrite(lambda lines: cell(lines, '"{}')),
        lambda s: s.replace('"', ""),
        id="a quote that is not closed",
        marks=pytest.mark.advice("records/csv_cells.py", "; export it as a plain CSV"),
    ),
    pytest.param(
        lambda s: s.rewrite(lambda lines: cell(lines, '"{}' + "0" * 70_000 + '"')),
        Source.export_again,
        id="a line without end",
        marks=pytest.mark.advice("records/csv_cells.py", " cells: export it again as a plain CSV"),
    ),
    pytest.param(
        lambda s: s.replace("aVR", "aRV"),
        lambda s: s.replace("aRV", "aVR"),
        id="a lead misspelt",
        marks=pytest.mark.advice("records/csv_header.py", ": rename it"),
    ),
    pytest.param(
        lambda s: s.replace("II,", "II" + " " * 70_000 + ","),
        Source.export_again,
        id="a header without end",
        marks=pytest.mark.advice(
            "records/csv_header.py", ", expected the names of 12 leads; export it again as a plain CSV"
        ),
    ),
    pytest.param(
        lambda s: s.replace("II,", '"II,'),
        lambda s: s.replace('"', ""),
        id="a quote in the header",
        marks=pytest.mark.advice("records/csv_header.py", " has a first line that is no header ("),
    ),
    pytest.param(
        lambda s: s.rewrite(columns(lambda cells: [*cells, "V9" if cells[0] == "I" else "0"])),
        lambda s: s.rewrite(columns(lambda cells: cells[:-1])),
        id="a column that is no lead",
        marks=pytest.mark.advice("records/csv_header.py", ", which are no leads: remove them"),
    ),
    pytest.param(
        lambda s: s.rewrite(columns(lambda cells: cells[:-1])),
        Source.fetch_again,
        id="a lead missing",
        marks=pytest.mark.advice("records/csv_header.py", ": export all leads, the right way up"),
    ),
    pytest.param(
        lambda s: s.replace("aVR", "--aVR"),
        lambda s: s.replace("--aVR", "aVR"),
        id="a lead that may be upside down",
        marks=pytest.mark.advice("records/csv_header.py", ": export all leads, the right way up"),
    ),
    pytest.param(
        lambda s: s.rewrite(columns(lambda cells: [*cells, "time" if cells[0] == "I" else "0"])),
        lambda s: s.rewrite(columns(lambda cells: cells[:-1])),
        id="a time that stands",
        marks=pytest.mark.advice("records/record_csv.py", ", which is no lead: remove it"),
    ),
    pytest.param(
        lambda s: s.rewrite(lambda lines: cell(lines, "{}\0")),
        lambda s: s.replace("\0", ""),
        id="a NUL",
        marks=pytest.mark.advice("records/record_csv.py", " holds NUL bytes at position "),
    ),
    pytest.param(
        lambda s: s.csv.write_bytes(b""),
        Source.fetch_again,
        id="nothing",
        marks=pytest.mark.advice(
            "records/record_csv.py", " is empty; expected a header of 12 leads and rows; fetch it again"
        ),
    ),
    pytest.param(
        lambda s: s.csv.write_text(s.csv.read_text(), "utf-16"),
        lambda s: s.csv.write_text(s.csv.read_text("utf-16")),
        id="UTF-16",
        marks=pytest.mark.advice("records/record_csv.py", " is no UTF-8; export it again as a plain CSV"),
    ),
    pytest.param(
        lambda s: s.replace_in_table("102,250", "102,500"),
        fs_of_the_message,
        id="the rate of others",
        marks=pytest.mark.advice("records/record_csv.py", " Hz, correct its fs in train.csv"),
    ),
    pytest.param(
        lambda s: s.replace_in_table("102,250", "102,30"),
        lambda s: s.replace_in_table("102,30", "102,250"),
        id="a rate that nobody records at",
        marks=pytest.mark.advice("records/kaggle/folder.py", ": write its own there"),
    ),
    pytest.param(
        lambda s: s.replace_in_table("102,250,2500\n", ""),
        lambda s: s.table.write_text(s.table.read_text() + "102,250,2500\n"),
        id="no line in the table",
        marks=pytest.mark.advice("records/kaggle/folder.py", "; expected one with its fs, "),
    ),
    pytest.param(
        lambda s: link_out(s, s.csv),
        lambda s: copy_the_link(s.csv),
        id="a link",
        marks=pytest.mark.advice(
            "records/kaggle/folder.py", " is a link out of the source: copy the file itself there"
        ),
    ),
    pytest.param(
        lambda s: s.csv.unlink(),
        Source.fetch_again,
        id="no file",
        marks=pytest.mark.advice("records/kaggle/folder.py", ", but there is no "),
    ),
    pytest.param(
        lambda s: s.rename("102", "10 2"),
        lambda s: s.rename("10 2", "102"),
        id="an id with a blank",
        marks=pytest.mark.advice(
            "records/ingest_record.py", " is no plain number or name (letters, digits, - and _, at most 64)"
        ),
    ),
    pytest.param(
        lambda s: s.replace_in_table("102,", "1.02E+02,"),
        lambda s: s.replace_in_table("1.02E+02,", "102,"),
        id="an id that a spreadsheet has rounded",
        marks=pytest.mark.advice("records/ingest_record.py", ": export train.csv again with the column id as text"),
    ),
    pytest.param(
        lambda s: s.csv.write_text(pd.read_csv(s.csv).assign(II=lambda table: -table["II"]).to_csv(index=False)),
        lambda s: s.csv.write_text(pd.read_csv(s.csv).assign(II=lambda table: -table["II"]).to_csv(index=False)),
        id="a lead upside down",
        marks=pytest.mark.advice("records/ingest_record.py", ": correct the lead in the source"),
    ),
    pytest.param(
        lambda s: s.csv.chmod(0),
        lambda s: s.csv.chmod(0o600),
        id="a file that nobody may read",
        marks=pytest.mark.advice("records/ingest_record.py", "): make it readable, or leave it out"),
    ),
]


@pytest.mark.parametrize(("fault", "remedy"), RECORDS)
def test_what_the_reason_of_a_refusal_advises_brings_the_record_in(
    root: DataRoot, source: Source, advice: AdviceGiven, fault: Step, remedy: Step
) -> None:
    fault(source)
    with permissions_count():
        refused = take(root, source).index.set_index("status").loc[["quarantined"]]
    source.said = str(refused["reason"].iloc[0])
    advice.in_message(source.said)
    remedy(source)
    report = take(root, source)
    assert (report.accepted, report.quarantined) == (3, {}), report.index["reason"].tolist()
    np.testing.assert_array_equal(load_record(root, "102", FS_HZ).signal_mv, beats_mv(FS_HZ).astype(np.float32))


def in_microvolts(source: Source) -> None:
    (pd.read_csv(source.csv) * 1000).to_csv(source.csv, index=False)


def in_millivolts(source: Source) -> None:
    (pd.read_csv(source.csv) / 1000).round(3).to_csv(source.csv, index=False)


def pipe_as_csv(source: Source) -> None:
    source.csv.unlink()
    os.mkfifo(source.csv)


def csv_for_a_pipe(source: Source) -> None:
    source.csv.unlink()
    source.fetch_again()


def copied_beside(source: Source) -> None:
    shutil.copy(source.csv, source.folder / "train" / source.csv.name)


# As short that no mark can name them.
SHORT: dict[str, tuple[Step, Step]] = {
    "twice; keep one column a lead": (
        lambda s: s.rewrite(columns(lambda cells: [*cells, cells[0]])),
        lambda s: s.rewrite(columns(lambda cells: cells[:-1])),
    ),
    "(fs '250' and fs '500'): keep the right one": (
        lambda s: s.table.write_text(s.table.read_text() + "102,500,5000\n"),
        lambda s: s.replace_in_table("102,500,5000\n", ""),
    ),
    "102.csv): keep the right one": (copied_beside, lambda s: (s.folder / "train" / s.csv.name).unlink()),
    "export all 10 s of it again": (lambda s: s.rewrite(lambda lines: lines[:2200]), Source.fetch_again),
    "are these microvolts? convert to millivolts": (in_microvolts, in_millivolts),
    "102.csv is a pipe: put the CSV there": (pipe_as_csv, csv_for_a_pipe),
}


@pytest.mark.parametrize("said", SHORT)
def test_what_the_reason_of_a_refusal_advises_in_few_words_brings_the_record_in(
    root: DataRoot, source: Source, said: str
) -> None:
    fault, remedy = SHORT[said]
    fault(source)
    assert said in str(take(root, source).index.set_index("status").loc["quarantined", "reason"])
    remedy(source)
    report = take(root, source)
    assert (report.accepted, report.quarantined) == (3, {}), report.index["reason"].tolist()
    np.testing.assert_array_equal(load_record(root, "102", FS_HZ).signal_mv, beats_mv(FS_HZ).astype(np.float32))


@pytest.mark.advice("records/ingest_record.py", "): make it readable, or leave it out")
def test_a_record_that_cannot_be_read_may_be_left_out(root: DataRoot, source: Source, advice: AdviceGiven) -> None:
    source.csv.chmod(0)
    with permissions_count():
        advice.in_message(take(root, source).index.set_index("id").loc["102", "reason"])
        source.csv.unlink()
        source.replace_in_table("102,250,2500\n", "")
        report = take(root, source)
    assert (report.accepted, report.quarantined) == (2, {})


def unquoted(source: Source) -> None:
    source.table.write_text("id,fs,labels\n" + "".join(f"{one},{FS_HZ},sinus, slow\n" for one in IDS))


def by_a_pipe(source: Source) -> None:
    source.table.rename(source.folder / "away")
    os.mkfifo(source.table)


SOURCES = [
    pytest.param(
        lambda s: (s.folder / "train").rename(s.folder / "elsewhere"),
        lambda s: (s.folder / "elsewhere").rename(s.folder / "train"),
        id="no CSVs",
        marks=pytest.mark.advice("records/kaggle/folder.py", " nor a folder train/ with <id>/<id>.csv; put one there"),
    ),
    pytest.param(
        lambda s: s.table.rename(s.folder / "away"),
        lambda s: (s.folder / "away").rename(s.table),
        id="no table",
        marks=pytest.mark.advice(
            "records/kaggle/folder.py", " (columns id, fs, sig_len); put the competition's table there"
        ),
    ),
    pytest.param(
        by_a_pipe,
        lambda s: (s.folder / "away").rename(s.table),
        id="a pipe in the table's place",
        marks=pytest.mark.advice("records/kaggle/folder.py", ", expected a file; put the competition's file there"),
    ),
    pytest.param(
        lambda s: link_out(s, s.table),
        lambda s: copy_the_link(s.table),
        id="a linked table",
        marks=pytest.mark.advice("records/kaggle/folder.py", " and was not followed; copy what it leads to there"),
    ),
    pytest.param(
        unquoted,
        lambda s: s.replace_in_table("sinus, slow", '"sinus, slow"'),
        id="texts with commas",
        marks=pytest.mark.advice("records/kaggle/table.py", "): put texts with commas into quotes"),
    ),
    pytest.param(
        lambda s: s.replace_in_table("id,fs,", "name,rate,"),
        lambda s: s.replace_in_table("name,rate,", "id,fs,"),
        id="columns of other names",
        marks=pytest.mark.advice("records/kaggle/table.py", ": write these names into its first line"),
    ),
    pytest.param(
        lambda s: s.table.write_text(s.table.read_text(), "utf-16"),
        lambda s: s.table.write_text(s.table.read_text("utf-16"), "utf-8"),
        id="a table in UTF-16",
        marks=pytest.mark.advice(
            "records/kaggle/table.py", "; expected columns id, fs, sig_len: export it again as a plain CSV in UTF-8"
        ),
    ),
]


@pytest.mark.parametrize(("fault", "remedy"), SOURCES)
def test_what_the_refusal_of_a_source_advises_brings_its_records_in(
    root: DataRoot, source: Source, advice: AdviceGiven, fault: Step, remedy: Step
) -> None:
    fault(source)
    with pytest.raises(SourceError) as caught:
        take(root, source)
    advice.in_message(caught.value)
    remedy(source)
    assert take(root, source).accepted == 3


NOWHERE = pytest.mark.advice(
    "records/kaggle/folder.py", "; set what names it (ECG_SOURCE, `source` or, in a list, `path`) to one that holds "
)


@NOWHERE
@pytest.mark.parametrize("way", ["ECG_SOURCE", "source", "path", "a file of sources"])
def test_a_source_that_is_nowhere_is_found_where_it_is_named(
    root: DataRoot, source: Source, advice: AdviceGiven, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def config(address: str) -> SourceConfig:
        if way == "source":
            return source_config(RawCsvsConfig(source=address))
        if way == "path":
            return source_config(RawCsvsConfig(sources=[OneSource(path=address)]))
        listed = root.path.parent / "sources.yaml"
        listed.write_text(f"sources: [{{path: {address}}}]")
        monkeypatch.setenv("ECG_SOURCE", address if way == "ECG_SOURCE" else str(listed))
        return source_config(RawCsvsConfig())

    with pytest.raises(SourceError) as caught:
        ingest(root, config(str(source.folder / "nowhere")), quiet)
    advice.in_message(caught.value)
    assert ingest(root, config(str(source.folder)), quiet).accepted == 3
    write_recording(root.path.parent / "wfdb", "r1", beats_mv(500))
    assert ingest(root, config(str(root.path.parent / "wfdb")), quiet).accepted == 1


def without_column(index: Path) -> None:
    pq.write_table(pq.read_table(index).drop_columns(["labels"]), index)


def another_id(index: Path) -> None:
    rows = pq.read_table(index).to_pylist()
    write_index(index, [row | {"id": "../evil"} if row["id"] == "102" else row for row in rows])


def another_value(index: Path) -> None:
    table = pq.read_table(index)
    fs_hz = pa.array([500] * len(table), pa.int32())
    pq.write_table(table.set_column(INDEX_SCHEMA.get_field_index("fs_hz"), INDEX_SCHEMA.field("fs_hz"), fs_hz), index)


INDEXES = [
    pytest.param(
        Path.unlink,
        id="lost",
        marks=pytest.mark.advice("records/index.py", " is not there; materialise raw_csvs first"),
    ),
    pytest.param(
        lambda index: index.write_bytes(index.read_bytes()[:-9]),
        id="cut off",
        marks=pytest.mark.advice("records/index.py", " is no whole Parquet file ("),
    ),
    pytest.param(
        another_value,
        id="changed",
        marks=pytest.mark.advice("records/index.py", " is damaged ("),
    ),
    pytest.param(
        without_column,
        id="of another version",
        marks=pytest.mark.advice("records/index.py", "; materialise raw_csvs again"),
    ),
    pytest.param(
        lambda index: write_index(index, [{"id": "102", "status": "accepted"}]),
        id="without rates",
        marks=pytest.mark.advice("records/index.py", " has accepted records without "),
    ),
    pytest.param(
        another_id,
        id="with an id that leads elsewhere",
        marks=pytest.mark.advice("records/index.py", ", which is no plain number or name; materialise raw_csvs"),
    ),
]


@pytest.mark.parametrize("harm", INDEXES)
def test_an_index_that_came_to_harm_comes_back_as_its_message_says(
    root: DataRoot, source: Source, advice: AdviceGiven, harm: Callable[[Path], object]
) -> None:
    take(root, source)
    before, content = read_index(root), root.index.read_bytes()
    harm(root.index)
    with pytest.raises(IndexMissingError) as caught:
        accepted_records(root)
    advice.in_message(caught.value)
    if "delete it" in str(caught.value):
        root.index.unlink()
    take(root, source)
    assert root.index.read_bytes() == content
    assert read_index(root).equals(before)


FILES = [
    pytest.param(
        Path.unlink,
        id="lost",
        marks=[
            pytest.mark.advice("records/ingest.py", " is not there; materialise raw_csvs"),
            pytest.mark.advice("records/schema.py", " does not exist; materialise raw_csvs"),
        ],
    ),
    pytest.param(
        lambda path: path.write_text("\n".join(path.read_text().splitlines()[:700])),
        id="cut off",
        marks=[
            pytest.mark.advice("records/ingest.py", "); delete it and materialise raw_csvs"),
            pytest.mark.advice(
                "records/schema.py", " differs from the accepted file; delete it and materialise raw_csvs"
            ),
        ],
    ),
]


@pytest.mark.parametrize("harm", FILES)
def test_an_accepted_record_s_file_comes_back_as_its_message_says(
    root: DataRoot, source: Source, advice: AdviceGiven, harm: Callable[[Path], object]
) -> None:
    take(root, source)
    path = csv_path(root, "102")
    before, row = path.read_bytes(), next(accepted_records(root).iloc[1:].itertuples(index=False))
    harm(path)
    with pytest.raises(DamagedRecordError) as caught:
        load_record(root, "102", FS_HZ)
    (problem,) = record_problems(root, row)
    advice.in_message(f"{caught.value}\n{problem}")
    if "delete it" in problem:
        path.unlink()
    take(root, source)
    assert path.read_bytes() == before
    assert record_problems(root, row) == []
    read_record(path, "102", FS_HZ)
