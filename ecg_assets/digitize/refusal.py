"""Why a picture is refused: a short code to count by, and a sentence to act on."""

from typing import Literal

RefusalCode = Literal[
    "no_grid", "no_scale", "no_trace", "broken_traces", "contradicting_leads", "unknown_layout", "ambiguous_layout"
]


class NotAnEcgError(ValueError):
    """A picture is no paper ECG, or its grid cannot be found: no signal is made up; the message tells why.

    Attributes:
        code: what kind of trouble.
        reason: what was found, what was expected and what to do; also the message.
    """

    def __init__(self, code: RefusalCode, reason: str) -> None:
        super().__init__(reason)
        self.code: RefusalCode = code
        self.reason = reason
