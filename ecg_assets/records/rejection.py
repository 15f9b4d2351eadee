"""The error for a quarantined record: a short code for counting, and a sentence to act on."""

from typing import Literal, get_args

RejectionCode = Literal[
    "bad_id",
    "duplicate_id",
    "missing_file",
    "unknown_fs",
    "wrong_length",
    "unreadable",
    "missing_lead",
    "extra_lead",
    "misspelt_lead",
    "no_number",
    "not_a_number",
    "infinite_value",
    "absurd_value",
    "missing_value",
    "unknown_unit",
    "wrong_checksum",
    "wrong_leads",
]
REJECTION_CODES: tuple[RejectionCode, ...] = get_args(RejectionCode)


class RecordRejected(ValueError):  # noqa: N818 - a rejection is an outcome of reading, not a fault of the program
    """A record cannot be used.

    Attributes:
        code: the kind of problem.
        reason: names the file, the row or field, what was expected and what to do.
    """

    def __init__(self, code: RejectionCode, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code: RejectionCode = code
        self.reason = reason
