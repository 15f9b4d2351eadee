"""Notes on accepted records: a short code for counting, and a sentence."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

NoteCode = Literal[
    "dc_offset",
    "limb_leads",
    "odd_header",
    "odd_length",
    "odd_names",
    "odd_table",
    "turned_back",
]
NOTE_CODES: tuple[NoteCode, ...] = get_args(NoteCode)


@dataclass(frozen=True)
class Note:
    """One peculiarity of an accepted record.

    Attributes:
        code: the kind of peculiarity.
        said: a sentence with the file, the finding, and how it was handled.
    """

    code: NoteCode
    said: str


def columns_for(notes: Iterable[Note]) -> dict[str, str]:
    """`code` and `reason` of an accepted record's row in the index; empty for a record without notes."""
    told = sorted(set(notes), key=lambda note: note.code)
    if not told:
        return {}
    codes = dict.fromkeys(note.code for note in told)
    return {"code": " ".join(codes), "reason": "; ".join(note.said for note in told)}


def codes_in(code: object) -> list[str]:
    """The codes in an accepted record's column `code`, which most records leave empty."""
    return code.split() if isinstance(code, str) else []
