"""CSVs and tables that spreadsheets and people have been at: read as meant and told once, or refused truly."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ecg_assets.records.ingest import csv_path, ingest, load_record
from ecg_assets.records.record import LEADS
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets_tests.records.einthoven import beats_mv

FS_HZ = 250
TABLE = "id,fs,sig_len\n123456789,250,2500\n"


def lines_of(leads: tuple[str, ...] = LEADS) -> list[str]:
    rows = [",".join(f"{value:.3f}" for value in row) for row in beats_mv(FS_HZ).T]
    return [",".join(leads), *rows]


def turned(lines: list[str], lead: str, name: str) -> list[str]:
    """The lead upside down under another name."""
    place = LEADS.index(lead)
    cells = [line.split(",") for line in lines]
    return [
        ",".join([*line[:place], name if number == 0 else f"{-float(line[place]):.3f}", *line[place + 1 :]])
        for number, line in enumerate(cells)
    ]


def write(folder: Path, text: str, table: str = TABLE) -> Path:
    place = folder / "source" / "train" / "123456789"
    place.mkdir(parents=True)
    (place / "123456789.csv").write_text(text, "utf-8", newline="")
    (folder / "source" / "train.csv").write_text(table, "utf-8", newline="")
    return folder / "source"


@pytest.fixture
def root(tmp_path: Path) -> DataRoot:
    return open_root(tmp_path / "data")


Text = Callable[[list[str]], str]
CSVS: dict[str, tuple[str, Text]] = {
    "an empty line at the end": ("odd_table", lambda lines: "\n".join([*lines, "", ""])),
    "empty lines of Windows at the end": ("odd_table", lambda lines: "\r\n".join([*lines, "", "", ""])),
    "semicolons and decimal commas": (
        "odd_table",
        lambda lines: "\n".join(lines).replace(",", ";").replace(".", ","),
    ),
    "semicolons and points": ("odd_table", lambda lines: "\n".join(lines).replace(",", ";")),
    "tabs": ("odd_table", lambda lines: "\n".join(lines).replace(",", "\t")),
    "tabs and decimal commas": ("odd_table", lambda lines: "\n".join(lines).replace(",", "\t").replace(".", ",")),
    "decimal commas in quotes": (
        "odd_table",
        lambda lines: "\n".join(
            [lines[0], *(",".join(f'"{cell.replace(".", ",")}"' for cell in line.split(",")) for line in lines[1:])]
        ),
    ),
    "Excel's line about the separator": ("odd_table", lambda lines: "sep=;\n" + "\n".join(lines).replace(",", ";")),
    "a column that counts": (
        "odd_table",
        lambda lines: "\n".join([f",{lines[0]}", *(f"{row},{line}" for row, line in enumerate(lines[1:]))]),
    ),
    "minus signs of typesetters": ("odd_table", lambda lines: "\n".join(lines).replace("-", "\u2212")),
    "leads in capitals": ("odd_names", lambda lines: "\n".join(lines).replace("aV", "AV")),
    "the word lead": ("odd_names", lambda lines: "\n".join([lines[0].replace("II,", "Lead II,", 1), *lines[1:]])),
    "a lead upside down, and called so": ("turned_back", lambda lines: "\n".join(turned(lines, "aVR", "-aVR"))),
    "a row too many": ("odd_length", lambda lines: "\n".join([*lines, lines[-1]])),
}


@pytest.mark.parametrize("oddity", CSVS)
def test_a_csv_is_read_as_meant_and_kept_in_the_usual_shape(root: DataRoot, tmp_path: Path, oddity: str) -> None:
    code, build = CSVS[oddity]
    lines: list[str] = []
    report = ingest(root, SourceConfig(source=str(write(tmp_path, build(lines_of())))), lines.append)
    row = report.index.iloc[0]
    assert (row["status"], row["code"]) == ("accepted", code), row["reason"]
    assert "123456789.csv" in row["reason"]
    assert sum("123456789.csv" in line for line in lines) == 1
    np.testing.assert_array_equal(load_record(root, "123456789", FS_HZ).signal_mv, beats_mv(FS_HZ).astype(np.float32))
    kept = csv_path(root, "123456789").read_text().splitlines()
    assert (kept[0], len(kept)) == (",".join(LEADS), 2501)
    assert report.noted == {code: 1}


@pytest.mark.parametrize("lacking", [1, 4, 25])
def test_what_a_csv_lacks_of_10_s_stays_empty(root: DataRoot, tmp_path: Path, lacking: int) -> None:
    source = write(tmp_path, "\n".join(lines_of()[:-lacking]))
    row = ingest(root, SourceConfig(source=str(source)), lambda _: None).index.iloc[0]
    assert (row["status"], row["code"], row["samples"]) == ("accepted", "odd_length", 2500)
    signal_mv = load_record(root, "123456789", FS_HZ).signal_mv
    assert np.isnan(signal_mv[:, -lacking:]).all()
    np.testing.assert_array_equal(signal_mv[:, :-lacking], beats_mv(FS_HZ).astype(np.float32)[:, :-lacking])


TABLES = {
    "fs with decimals": "id,fs,sig_len\n123456789,250.0,2500.0\n",
    "fs with a unit": "id,fs,sig_len\n123456789,250 Hz,2500\n",
    "ids with decimals": "id,fs,sig_len\n123456789.0,250,2500\n",
    "a line twice": TABLE + "123456789,250,2500\n",
    "a line twice, once with decimals": TABLE + "123456789.0,250.0,2500\n",
    "semicolons": TABLE.replace(",", ";"),
    "semicolons and decimal commas": "id;fs;sig_len\n123456789;250,0;2500,0\n",
    "tabs": TABLE.replace(",", "\t"),
}


@pytest.mark.parametrize("oddity", TABLES)
def test_a_table_is_read_as_meant_and_that_is_told_once(root: DataRoot, tmp_path: Path, oddity: str) -> None:
    lines: list[str] = []
    source = write(tmp_path, "\n".join(lines_of()), TABLES[oddity])
    report = ingest(root, SourceConfig(source=str(source)), lines.append)
    assert report.index["id"].tolist() == ["123456789"]
    assert report.index["status"].tolist() == ["accepted"]
    kinds = [line for line in lines if "read as meant" in line]
    assert kinds
    assert len({line.split("(")[0] for line in kinds}) == len(kinds)
    assert all("train.csv" in line for line in kinds)


def test_a_table_with_columns_in_capitals_is_read(root: DataRoot, tmp_path: Path) -> None:
    source = write(tmp_path, "\n".join(lines_of()), TABLE.replace("id,fs", "ID,FS"))
    assert ingest(root, SourceConfig(source=str(source)), lambda _: None).accepted == 1


def test_lines_that_contradict_each_other_are_shown(root: DataRoot, tmp_path: Path) -> None:
    source = write(tmp_path, "\n".join(lines_of()), TABLE + "123456789,500,5000\n5,500,5000\n")
    assert "fs '250' and fs '500'): keep the right one" in refusal(root, source, "123456789", "duplicate_id")


def test_an_id_that_a_spreadsheet_has_rounded_is_told_as_such(root: DataRoot, tmp_path: Path) -> None:
    source = write(tmp_path, "\n".join(lines_of()), "id,fs,sig_len\n1.23E+08,250,2500\n123456789,250,2500\n")
    ingest(root, SourceConfig(source=str(source)), lambda _: None)
    assert "export train.csv again with the column id as text" in refusal(root, source, "1.23E+08", "bad_id")


def test_a_pipe_is_named_and_never_opened(root: DataRoot, tmp_path: Path) -> None:
    source = write(tmp_path, "\n".join(lines_of()), TABLE + "7,250,2500\n")
    os.mkfifo(source / "train" / "7.csv")
    assert "7.csv is a pipe" in refusal(root, source, "7", "missing_file")


def refusal(root: DataRoot, source: Path, record_id: str, code: str) -> str:
    """The reason in the index of the only record that is refused with that code."""
    try:
        ingest(root, SourceConfig(source=str(source)), lambda _: None)
    except ValueError as error:  # none at all is usable
        assert code in str(error)
    from ecg_assets.records.index import read_index

    row = read_index(root).set_index("id").loc[record_id]
    assert row["code"] == code
    return str(row["reason"])


_MEASURE = """
import resource, sys
from pathlib import Path
from ecg_assets.records.record_csv import read_record
from ecg_assets.records.rejection import RecordRejected
import pandas
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
small, large = Path(sys.argv[1]), Path(sys.argv[2])
read_record(small, "7", 250)
before = peak()
try:
    read_record(large, "7", 250)
    print("read")
except RecordRejected as rejection:
    print(rejection.code)
print((peak() - before) * 1024 / large.stat().st_size)
"""
LARGE: dict[str, tuple[str, Callable[[list[str]], str]]] = {
    "a million rows": ("wrong_length", lambda lines: "\n".join([lines[0], *lines[1:] * 120, "x"])),
    "rows of nothing": ("wrong_length", lambda lines: "\n".join([lines[0], *["," * 11] * 2_000_000])),
    "very long cells": (
        "read",
        lambda lines: "\n".join([lines[0], *(f'"{"0" * 9000}",' + "0," * 10 + "0" for _ in range(2500))]),
    ),
    "one line": ("unreadable", lambda lines: lines[0] + "\n" + "," * (20 << 20)),
    "a header without end": ("unreadable", lambda lines: "I," * (10 << 20)),
    "letters of four bytes": (
        "not_a_number",
        lambda lines: "\n".join([*lines[:-1], "\U0001f600" * 9000 + "," * 11]),
    ),
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_large_csv_takes_at_most_ten_times_its_size_in_memory(tmp_path: Path, kind: str) -> None:
    told, build = LARGE[kind]
    (tmp_path / "small.csv").write_text("\n".join(lines_of()))
    (tmp_path / "large.csv").write_text(build(lines_of()), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(tmp_path / "small.csv"), str(tmp_path / "large.csv")],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    code, times = done.stdout.split()
    assert code == told
    assert float(times) <= 10
