"""What is worth knowing of an accepted record: a short code to count by, and a sentence."""

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
    """One thing that was seen in a record that is accepted all the same.

    Attributes:
        code: what kind of thing.
        said: names the file and what was seen, and tells what was made of it.
    """

    code: NoteCode
    said: str


def columns_for(notes: Iterable[Note]) -> dict[str, str]:
    """`code` and `reason` of an accepted record's row in the index; nothing for a record without notes."""
    told = sorted(set(notes), key=lambda note: note.code)
    if not told:
        return {}
    codes = dict.fromkeys(note.code for note in told)
    return {"code": " ".join(codes), "reason": "; ".join(note.said for note in told)}


def codes_in(code: object) -> list[str]:
    """The codes in an accepted record's column `code`, which most records leave empty."""
    return code.split() if isinstance(code, str) else []
