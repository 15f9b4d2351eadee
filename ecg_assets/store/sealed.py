"""State files that carry the hash of their own bytes, so that a flipped bit is found and decides nothing.

A JSON object has it as its last field, `seal`; other text as its last line, `# seal: <SHA-256>`. The hash is of the
file as it would be without the seal. A line of a file of JSON lines has a seal of its own. Files of earlier versions
have none and are read as they are; `ecg-assets verify` names them.
"""

from pathlib import Path
from typing import Any

from ecg_assets.store.atomic import json_bytes, write_bytes
from ecg_assets.store.fingerprint import sha256_bytes
from ecg_assets.store.plain_file import read_plain

_HASH = "0" * 64
_JSON_END, _LINE_END = b"\n}\n", b"}"
_LINE_SEAL = f', "seal": "{_HASH}"}}'.encode()
_JSON_SEAL, _TEXT_SEAL = f',\n "seal": "{_HASH}"\n}}\n'.encode(), f"# seal: {_HASH}\n".encode()
# So many bytes may differ in what is still taken for a seal, a damaged one: no other text comes as near.
_NEAR = 3


# What is said of a file that has been named already.
SEAL_BROKEN = "it has changed since it was written: its seal does not fit"


class SealBrokenError(ValueError):
    """A file's bytes are not those that were written; the message names it."""


def sealed(body: bytes) -> bytes:
    """A text with its seal.

    Args:
        body: a JSON object with an indent of 1 and at least one field, or other text of whole lines.
    """
    if body.startswith(b"{") and body.endswith(_JSON_END):
        return body.removesuffix(_JSON_END) + _seal(_JSON_SEAL, body)
    return body + _seal(_TEXT_SEAL, body)


def sealed_line(line: str) -> str:
    """A line of JSON, an object with at least one field, with its seal; without its end."""
    body = line.encode("utf-8")
    return (body.removesuffix(_LINE_END) + _seal(_LINE_SEAL, body)).decode("utf-8")


def unsealed(content: bytes) -> tuple[bytes, bool]:
    """A text without its seal, and whether it had one.

    Raises:
        SealBrokenError: it has one that does not fit.
    """
    for pattern, end in ((_JSON_SEAL, _JSON_END), (_TEXT_SEAL, b""), (_LINE_SEAL, _LINE_END)):
        held = content[-len(pattern) :]
        if not _is_near(held, pattern):
            continue
        body = content[: -len(pattern)] + end
        if held != _seal(pattern, body):
            raise SealBrokenError(SEAL_BROKEN)
        return body, True
    return content, False


def write_sealed_json(path: Path, fields: dict[str, Any]) -> None:
    """Writes fields as JSON atomically, with sorted keys and a seal."""
    write_bytes(path, sealed(json_bytes(fields)))


def write_sealed_text(path: Path, text: str) -> None:
    """Writes a text as UTF-8 atomically, with a seal; see `sealed`."""
    write_bytes(path, sealed(text.encode("utf-8")))


def read_unsealed(path: Path) -> bytes:
    """The text of a state file without its seal, if it has one.

    Raises:
        SealBrokenError: it has changed since it was written.
        OSError: it is missing, may not be read, or is no plain file.
    """
    return _read(path)[0]


def is_sealed(path: Path) -> bool:
    """Whether a state file has a seal; raises as `read_unsealed`."""
    return _read(path)[1]


def _read(path: Path) -> tuple[bytes, bool]:
    try:
        return unsealed(read_plain(path))
    except SealBrokenError as error:
        raise SealBrokenError(f"{path} has changed since it was written: its seal does not fit") from error


def _seal(pattern: bytes, body: bytes) -> bytes:
    return pattern.replace(_HASH.encode(), sha256_bytes(body).encode())


def _is_near(held: bytes, pattern: bytes) -> bool:
    """Whether two texts of this length agree beside the hash, but for a byte or two."""
    if len(held) != len(pattern):
        return False
    start = pattern.index(_HASH.encode())
    places = [*range(start), *range(start + len(_HASH), len(pattern))]
    return len([place for place in places if held[place] != pattern[place]]) <= _NEAR
