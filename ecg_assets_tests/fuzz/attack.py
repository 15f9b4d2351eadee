"""How files are damaged, and what counts as refused."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Builder = Callable[[], bytes]
INTERESTING = (b"\x00", b"\xff", b"\xfe\xff", b"\n", b"\r", b'"', b"'", b",", b"-1", b"0", b"1e999", b"NaN", b"nan",
               b"Infinity", b"null", b"true", b"[]", b"{}", b"9" * 40, b"18446744073709551616", b"../../x",
               b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\xff\xff\xff\xff", b"\x00" * 8)  # fmt: skip


@dataclass(frozen=True)
class Tally:
    """What came of the files of one kind."""

    accepted: list[int]
    refused: list[int]

    def __str__(self) -> str:
        return f"{len(self.accepted)} accepted, {len(self.refused)} refused"


@st.composite
def damaged(draw: st.DrawFn, wholes: Sequence[bytes]) -> bytes:
    """One of the valid files with one to four pieces cut, flipped, doubled, replaced, or spliced in from another."""
    content = bytearray(draw(st.sampled_from(wholes)))
    for _ in range(draw(st.integers(1, 4))):
        size = len(content)
        # Headers and footers are where a format says most.
        ends = st.integers(0, min(size, 200)), st.integers(max(0, size - 200), size)
        place = draw(st.one_of(*ends, st.integers(0, size)))
        end = min(size, place + draw(st.integers(0, 24)))
        kind = draw(st.sampled_from(["flip", "replace", "remove", "double", "noise", "splice", "truncate"]))
        if kind == "flip" and place < size:
            content[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == "replace":
            content[place:end] = draw(st.sampled_from(INTERESTING))
        elif kind == "remove":
            del content[place:end]
        elif kind == "double":
            content[place:place] = content[place : place + draw(st.integers(1, 400))]
        elif kind == "noise":
            content[place:end] = draw(st.binary(max_size=24))
        elif kind == "splice":
            other = draw(st.sampled_from(wholes))
            begin = draw(st.integers(0, len(other)))
            content[place:] = other[begin:]
        elif kind == "truncate":
            del content[place:]
    return bytes(content)


def refusal(path: Path, read: Callable[[Path], None], errors: tuple[type[Exception], ...]) -> str | None:
    """Reads the file; what the refusal says, None when it was accepted. Any other error passes through."""
    try:
        read(path)
    except errors as error:
        said = str(error)
        assert path.name in said, f"the refusal names no {path.name}: {said[:300]}"
        assert len(said) < 4000, f"the refusal has {len(said)} letters"
        return said
    return None


def fuzz(
    path: Path,
    files: st.SearchStrategy[bytes],
    read: Callable[[Path], None],
    errors: tuple[type[Exception], ...],
    examples: int,
) -> Tally:
    """Tries so many files; fails with the smallest one that is neither accepted nor refused by name."""
    tally = Tally([], [])

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=not os.environ.get("ECG_FUZZ_FRESH"),
        suppress_health_check=list(HealthCheck),
    )
    @given(files)
    def attempt(content: bytes) -> None:
        path.write_bytes(content)
        (tally.accepted if refusal(path, read, errors) is None else tally.refused).append(len(content))

    attempt()
    return tally
