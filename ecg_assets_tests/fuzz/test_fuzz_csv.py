"""Tables of text: a record's CSV, train.csv, and a digitised signal."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from ecg_assets.digitize.signals_csv import SignalsError, read_signals
from ecg_assets.records.kaggle.folder import KaggleFolder
from ecg_assets.records.record import LEADS
from ecg_assets.records.record_csv import MAX_ABS_MV, read_record
from ecg_assets.records.rejection import RecordRejected
from ecg_assets.records.sources.base import SourceError
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.fuzz.attack import Builder, damaged, fuzz, refusal

FS_HZ = 100
HEADER = ",".join(LEADS)
ROWS = [",".join(f"{0.01 * ((row * lead) % 90):.2f}" for lead in range(1, 13)) for row in range(10 * FS_HZ)]
RECORD = "\n".join([HEADER, *ROWS, ""]).encode()
TABLE = b"id,fs,sig_len,labels\n7,500,5000,sinus\n8,250,2500,\n9,1000,10000,flutter\n"
WORDS = ("", "nan", "inf", "-inf", "1e400", "1e-400", "0x1f", "1,5", '"', '""', "'", "1\r2", "\t", "1_000", "+1", "-0",
         "1e3", "\u0661", "None", "TRUE", "\ufeff", "\u2028", "\x0b", "\x1c", "\x85", "9" * 400, "1.5.2", "20.0001",
         "-20", " 1 ", "#", "=1+1")  # fmt: skip


@st.composite
def tables(draw: st.DrawFn, whole: bytes) -> bytes:
    """The table with cells, lines and columns changed, its line ends or its letters exchanged."""
    lines = [line.split(",") for line in whole.decode().rstrip("\n").split("\n")]
    for _ in range(draw(st.integers(1, 3))):
        row, column = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, max(1, len(lines[0])) - 1))
        kind = draw(st.sampled_from(["cell", "cell", "cell", "drop", "double", "shorter", "longer", "column", "row"]))
        if kind == "cell" and lines[row]:
            lines[row][column % len(lines[row])] = draw(st.sampled_from(WORDS))
        elif kind == "drop":
            lines[row : row + 1] = []
            lines = lines or [[""]]
        elif kind == "double":
            lines.insert(row, list(lines[row]))
        elif kind in ("shorter", "longer"):
            lines[row] = lines[row][:-1] if kind == "shorter" else [*lines[row], draw(st.sampled_from(WORDS))]
        elif kind == "column":
            word = draw(st.sampled_from(WORDS))
            lines = [[word if at == column else cell for at, cell in enumerate(line)] for line in lines]
        else:
            lines[row] = [draw(st.sampled_from(WORDS))] * draw(st.integers(0, 14))
    text = draw(st.sampled_from(["\n", "\r\n", "\r", "\n\n"])).join(",".join(line) for line in lines)
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"])))


def read_a_record(path: Path) -> None:
    record = read_record(path, "7", FS_HZ)
    assert record.signal_mv.shape == (12, 10 * FS_HZ)
    finite = record.signal_mv[np.isfinite(record.signal_mv)]
    assert not np.isinf(record.signal_mv).any()
    assert np.abs(finite).max() <= MAX_ABS_MV


def read_a_table(path: Path) -> None:
    (path.parent / "train").mkdir(exist_ok=True)
    with KaggleFolder(path.parent).opened(path.parent / "scratch", quiet) as listed:
        for one in listed:
            with pytest.raises(RecordRejected, match=r"train\.csv"):
                one.take()  # its file is missing, whatever the table says


def read_a_signal(path: Path) -> None:
    signal_mv, fs_hz = read_signals(path)
    assert signal_mv.shape == (12, 10 * fs_hz)
    assert not np.isinf(signal_mv).any()


Read = Callable[[Path], None]
KINDS: dict[str, tuple[str, bytes, Read, tuple[type[Exception], ...], int]] = {
    "record": ("7.csv", RECORD, read_a_record, (RecordRejected,), 2000),
    "train.csv": ("train.csv", TABLE, read_a_table, (SourceError,), 500),
    "signal": ("7.csv", RECORD, read_a_signal, (SignalsError,), 500),
}


def record_with(old: str, new: str) -> bytes:
    return RECORD.replace(old.encode(), new.encode(), 1)


CORPUS: dict[str, tuple[str, Builder]] = {
    "a cell that would be repeated in full": ("record", lambda: record_with("0.02", "x" * 5000)),
    "old Mac's line ends": ("record", lambda: RECORD.replace(b"\n", b"\r")),
    "a quote that never ends in the header": ("record", lambda: record_with("I,", '"I,')),
    "a quote that never ends in a cell": ("record", lambda: record_with("0.01", '"0.01')),
    "a header longer than a field may be": ("record", lambda: b'"' + b"x" * 200_000 + b'"\n' + RECORD),
    "a line end of another alphabet in a cell": ("record", lambda: record_with("0.02", "0.0\u20282")),
    "16 bits a letter": ("record", lambda: RECORD.decode().encode("utf-16")),
    "a number beyond float": ("record", lambda: record_with("0.02", "9" * 400)),
    "65 MiB of zeros": ("record", lambda: b"0" * (65 << 20)),
    "rows with more cells": ("train.csv", lambda: b"id,fs\n7,500,9\n8,250,9\n"),
    "no line at all": ("train.csv", lambda: b""),
    "the column id twice": ("train.csv", lambda: TABLE.replace(b"fs,", b"id,", 1)),
    "a quote that never ends": ("train.csv", lambda: TABLE.replace(b"8,", b'"8,', 1)),
    "a table of 16 bits a letter": ("train.csv", lambda: TABLE.decode().encode("utf-16")),
    "a signal whose quote never ends": ("signal", lambda: record_with("0.01", '"0.01')),
    "a signal beyond 32 bits": ("signal", lambda: record_with("0.02", "9" * 40)),
    "a signal with a column twice": ("signal", lambda: record_with("II,", "I,")),
}


@pytest.mark.parametrize("shape", CORPUS)
def test_a_known_shape_is_refused_by_name(tmp_path: Path, shape: str) -> None:
    kind, build = CORPUS[shape]
    name, _, read, errors, _ = KINDS[kind]
    (tmp_path / name).write_bytes(build())
    assert refusal(tmp_path / name, read, errors) is not None


def test_a_short_line_of_train_csv_costs_its_own_record_only(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_bytes(TABLE + b"10\n")
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "10.csv").write_bytes(RECORD)
    with KaggleFolder(tmp_path).opened(tmp_path / "scratch", quiet) as listed:
        assert [one.id for one in listed] == ["10", "7", "8", "9"]
        with pytest.raises(RecordRejected, match=r"unknown_fs: train\.csv gives fs '' for id 10"):
            listed[0].take()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_whole_is_read(tmp_path: Path, kind: str) -> None:
    name, whole, read, errors, _ = KINDS[kind]
    (tmp_path / name).write_bytes(whole)
    assert refusal(tmp_path / name, read, errors) is None


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_thousands_of_damaged_tables_are_read_or_refused_by_name(tmp_path: Path, kind: str) -> None:
    name, whole, read, errors, examples = KINDS[kind]
    attack = partial(fuzz, tmp_path / name, read=read, errors=errors)
    told = attack(tables(whole), examples=examples * 3 // 4), attack(damaged([whole]), examples=examples // 4)
    print(kind, *told, sep="; ")  # noqa: T201 - what pytest -s is asked for
    assert all(one.refused for one in told)
