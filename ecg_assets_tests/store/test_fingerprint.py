"""Fingerprints of tables are those of their rows, one by one."""

import json

import pytest

from ecg_assets.store.fingerprint import (
    ListFingerprint,
    fingerprint,
    fingerprints_of_lists,
    fingerprints_of_rows,
    sha256_bytes,
)


def test_fingerprints_of_rows_are_those_of_each_row() -> None:
    columns: dict[str, list[str | int | None]] = {
        "id": ["a", 'ä"%s', "c"],
        "fs_hz": [500, 1000, 500],
        "labels": [None, "x", None],
        "%odd": ["1", "1", "2"],
    }
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    assert fingerprints_of_rows(columns) == [fingerprint(row) for row in rows]
    lists = list(columns.values())
    assert fingerprints_of_lists(lists) == [fingerprint(list(row)) for row in zip(*lists, strict=True)]


def test_of_a_long_table_text_takes_the_short_way_and_equal_values_of_another_kind_are_encoded_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded: list[object] = []

    class Counting(json.JSONEncoder):
        def encode(self, o: object) -> str:
            encoded.append(o)
            return super().encode(o)

    monkeypatch.setattr("ecg_assets.store.fingerprint._ENCODER", Counting(sort_keys=True, separators=(",", ":")))
    ids = [str(number) for number in range(20_000)]
    fingerprints_of_rows({"id": ids, "fs_hz": [500] * 20_000, "licence": ["CC BY 4.0"] * 20_000})
    assert sorted(map(str, encoded)) == ["500", "fs_hz", "id", "licence"]


def test_a_shorter_column_is_an_error() -> None:
    with pytest.raises(ValueError, match="longer"):
        fingerprints_of_rows({"id": ["a", "b"], "fs_hz": [500]})


@pytest.mark.parametrize("parts", [[], [{"b": "1", "a": "ä"}], [{}, ["x", None], 1]])
def test_of_a_list_it_can_be_made_one_part_at_a_time(parts: list[object]) -> None:
    made = ListFingerprint()
    for part in parts:
        made.add(part)
    assert made.done() == made.done() == fingerprint(parts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("plain", "x"),
        ('quo"te', "x"),
        ("x", '"'),
        ("back\\slash", "x"),
        ("ä", "x"),
        ("x", "\n"),
        ("\x7f", ""),
        ("x", 1),
    ],
)
def test_a_long_table_has_the_fingerprint_that_the_encoder_gives(name: str, value: object) -> None:
    table = {f"data/{number}.png": "0" * 64 for number in range(2000)} | {name: value}
    plain = json.dumps([table, 1], sort_keys=True, separators=(",", ":"))
    assert fingerprint(table, 1) == sha256_bytes(plain.encode())
