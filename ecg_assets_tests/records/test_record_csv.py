"""Reading one CSV: what is accepted, and with which reason the rest is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ecg_assets.records.csv_cells import any_cells, plain_cells
from ecg_assets.records.csv_header import read_csv_header
from ecg_assets.records.record import LEADS
from ecg_assets.records.record_csv import csv_of, read_record
from ecg_assets.records.rejection import RecordRejected

FS_HZ = 250
ROWS = 10 * FS_HZ


def lines_of_a_record() -> list[str]:
    """Header and 2500 rows: I in the first quarter, II throughout, V6 in the last, as the competition prints them."""
    quarter = {lead: number // 3 for number, lead in enumerate(LEADS)}
    lines = [",".join(LEADS)]
    for row in range(ROWS):
        cells = [
            f"{0.001 * (row % 500):.3f}" if lead == "II" or quarter[lead] == row * 4 // ROWS else "" for lead in LEADS
        ]
        lines.append(",".join(cells))
    return lines


def write(folder: Path, lines: list[str]) -> Path:
    path = folder / "7.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def with_cell(lines: list[str], row: int, lead: str, text: str) -> list[str]:
    cells = lines[row].split(",")
    cells[LEADS.index(lead)] = text
    return [*lines[:row], ",".join(cells), *lines[row + 1 :]]


def without_lead(lines: list[str], lead: str) -> list[str]:
    place = LEADS.index(lead)
    return [",".join(cell for number, cell in enumerate(line.split(",")) if number != place) for line in lines]


def renamed(lines: list[str], lead: str, name: str) -> list[str]:
    return [lines[0].replace(f"{lead},", f"{name},", 1), *lines[1:]]


def test_empty_cells_are_nan_and_numbers_stay_where_they_stand(tmp_path: Path) -> None:
    record = read_record(write(tmp_path, lines_of_a_record()), "7", FS_HZ)
    assert record.signal_mv.shape == (12, ROWS)
    assert record.signal_mv.dtype == np.float32
    assert np.isfinite(record.lead("II")).all()
    assert np.flatnonzero(np.isfinite(record.lead("V6")))[[0, -1]].tolist() == [1875, 2499]
    assert record.lead("I")[499] == pytest.approx(0.499)


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_line_ends_a_mark_of_utf8_and_the_leads_order_do_not_matter(tmp_path: Path, ending: str) -> None:
    lines = lines_of_a_record()
    turned = [",".join(reversed(line.split(","))) for line in lines]
    path = tmp_path / "7.csv"
    path.write_bytes(b"\xef\xbb\xbf" + ending.join(turned).encode())
    expected = read_record(write(tmp_path / "..", lines), "7", FS_HZ)
    np.testing.assert_array_equal(read_record(path, "7", FS_HZ).signal_mv, expected.signal_mv)


@pytest.mark.parametrize("cell", ["nan", "NaN", " 0.125", '"0.125"', "+0.125", "1.25e-1", ".125", "0.1250"])
def test_a_cell_written_in_another_way_is_read_as_the_same_number(tmp_path: Path, cell: str) -> None:
    record = read_record(write(tmp_path, with_cell(lines_of_a_record(), 11, "II", cell)), "7", FS_HZ)
    expected = np.nan if cell.lower() == "nan" else 0.125
    np.testing.assert_array_equal(record.lead("II")[10], np.float32(expected))
    assert record.lead("II")[11] == pytest.approx(0.011)


def test_the_quick_way_to_read_gives_what_the_careful_way_gives(tmp_path: Path) -> None:
    lines = lines_of_a_record()
    body, header = "\n".join(lines[1:]).encode(), read_csv_header(tmp_path / "7.csv", lines[0].encode())
    quick, careful = plain_cells(body, len(LEADS)), any_cells(tmp_path / "7.csv", body, header, 2, LEADS)
    assert quick is not None
    np.testing.assert_array_equal(quick, careful.values)


@pytest.mark.parametrize("cell", ["NAN", "inf", "0x1", "1_0", "1 2", "1.2.3", "--1", "e", "-", "1\n2", "1,2", "\n"])
def test_the_quick_way_leaves_what_is_odd_to_the_careful_way(tmp_path: Path, cell: str) -> None:
    body = "\n".join(with_cell(lines_of_a_record(), 11, "II", cell)[1:]).encode()
    assert plain_cells(body, len(LEADS)) is None


Lines = list[str]


@pytest.mark.parametrize(
    ("code", "says", "damage"),
    [
        ("missing_lead", "7.csv lacks V3", lambda lines: without_lead(lines, "V3")),
        ("extra_lead", "['V7']", lambda lines: [line + (",V7" if n == 0 else ",") for n, line in enumerate(lines)]),
        ("extra_lead", "lead V2 twice", lambda lines: renamed(lines, "V1", "V2")),
        ("misspelt_lead", "'aRV', expected 'aVR'", lambda lines: renamed(lines, "aVR", "aRV")),
        ("missing_lead", "lacks aVR and has ['--aVR']", lambda lines: renamed(lines, "aVR", "--aVR")),
        ("missing_lead", "lacks aVR and has ['~aVR']", lambda lines: renamed(lines, "aVR", "~aVR")),
        ("no_number", "lead aVL holds no number", lambda lines: clear(lines, "aVL")),
        ("not_a_number", "row 12, lead II: 'x'", lambda lines: with_cell(lines, 11, "II", "x")),
        ("infinite_value", "row 101, lead II", lambda lines: with_cell(lines, 100, "II", "-inf")),
        ("absurd_value", "row 101, lead II: 850 is beyond", lambda lines: with_cell(lines, 100, "II", "850")),
        ("wrong_length", "has 2474 rows, expected 2500", lambda lines: lines[:-26]),
        ("wrong_length", "has 2526 rows, expected 2500", lambda lines: [*lines, *lines[-26:]]),
        ("wrong_length", "250 Hz): if it is a record of 500 Hz, correct", lambda lines: [*lines, *lines[1:]]),
        ("unreadable", "line 1001 is empty, expected 12", lambda lines: [*lines[:1000], "", *lines[1000:-1]]),
        ("unreadable", "line 2501 has 3 cells", lambda lines: [*lines[:-1], "1,2,3"]),
        ("unreadable", "is empty", lambda lines: [""]),
        ("unreadable", "NUL bytes", lambda lines: with_cell(lines, 5, "II", "\x00")),
    ],
)
def test_each_kind_of_damage_has_its_reason(
    tmp_path: Path, code: str, says: str, damage: Callable[[Lines], Lines]
) -> None:
    path = write(tmp_path, damage(lines_of_a_record()))
    with pytest.raises(RecordRejected) as caught:
        read_record(path, "7", FS_HZ)
    assert caught.value.code == code
    assert says in caught.value.reason


def clear(lines: Lines, lead: str) -> Lines:
    for row in range(1, len(lines)):
        lines = with_cell(lines, row, lead, "") if lines[row].split(",")[LEADS.index(lead)] else lines
    return lines


def test_bytes_that_are_no_text_are_refused_with_their_position(tmp_path: Path) -> None:
    path = tmp_path / "7.csv"
    path.write_bytes("\n".join(lines_of_a_record()).encode()[:5000] + b"\xff\xfe")
    with pytest.raises(RecordRejected, match="byte 0xff at position 5000"):
        read_record(path, "7", FS_HZ)


def test_a_full_signal_comes_back_as_it_was_written_within_half_a_microvolt(tmp_path: Path) -> None:
    wanted = np.random.default_rng(0).normal(0, 1.5, (12, ROWS)) * np.logspace(-4, 0, ROWS)
    path = tmp_path / "7.csv"
    path.write_bytes(csv_of(wanted))
    np.testing.assert_allclose(read_record(path, "7", FS_HZ).signal_mv, wanted, rtol=1e-6, atol=0.000501)
    text = path.read_text()
    assert text.startswith(",".join(LEADS) + "\n")
    assert not any(cell in ("-0", "-0.0") or "e" in cell for cell in text.replace("\n", ",").split(","))
