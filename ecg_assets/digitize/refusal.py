"""The error for a refused picture: a short code for counting, and a sentence to act on."""

from typing import Literal

RefusalCode = Literal[
    "no_grid", "no_scale", "no_trace", "broken_traces", "contradicting_leads", "unknown_layout", "ambiguous_layout"
]


class NotAnEcgError(ValueError):
    """A picture is refused because it is not a paper ECG or cannot be read; the message says why.

    Attributes:
        code: the kind of refusal.
        reason: what was found, what was expected and what to do; also the message.
    """

    def __init__(self, code: RefusalCode, reason: str) -> None:
        super().__init__(reason)
        self.code: RefusalCode = code
        self.reason = reason
