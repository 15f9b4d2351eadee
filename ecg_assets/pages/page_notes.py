"""Stores notes on each page in its shard's manifest.

The notes are stored by column, because a million objects take ten times as long to read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from ecg_assets.store.manifest import BY_RECORD, Manifest


@dataclass(frozen=True)
class Drawn:
    """One page.

    Attributes:
        key: hash of all that determines the page; if it is unchanged, the page is not drawn again.
        style: the paper's name.
        wave_pixels: of the mask.
        pixels: of the page.
        notes: those of `shard.NOTES` that apply.
    """

    key: str
    style: str
    wave_pixels: int
    pixels: int
    notes: tuple[str, ...]


class _Columns(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    id: list[str]
    key: list[str]
    style: list[str]
    wave_pixels: list[int]
    pixels: list[int]
    notes: dict[str, list[str]]  # by note, the ids; most pages have none


def as_columns(pages: Mapping[str, Drawn]) -> dict[str, Any]:
    """The notes for a manifest's `info`.

    Args:
        pages: by record id.
    """
    ids = sorted(pages)
    told = [pages[record_id] for record_id in ids]
    notes: dict[str, list[str]] = {}
    for record_id, page in zip(ids, told, strict=True):
        for note in page.notes:
            notes.setdefault(note, []).append(record_id)
    return {
        "id": ids,
        "key": [page.key for page in told],
        "style": [page.style for page in told],
        "wave_pixels": [page.wave_pixels for page in told],
        "pixels": [page.pixels for page in told],
        "notes": notes,
    }


def drawn_before(held: Manifest) -> dict[str, Drawn]:
    """Notes by record id; empty for a manifest of a version with another format, after which all pages are drawn."""
    try:
        columns = _Columns.model_validate(held.info.get(BY_RECORD, {}))
        lines = list(zip(columns.id, columns.key, columns.style, columns.wave_pixels, columns.pixels, strict=True))
    except ValueError:  # of which pydantic's ValidationError is one; or columns of unequal length
        return {}
    notes: dict[str, list[str]] = {}
    for note, ids in columns.notes.items():
        for record_id in ids:
            notes.setdefault(record_id, []).append(note)
    return {
        record_id: Drawn(key, style, wave_pixels, pixels, tuple(notes.get(record_id, ())))
        for record_id, key, style, wave_pixels, pixels in lines
    }
