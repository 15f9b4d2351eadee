"""Writes and reads state files with a seal, the hash of their content, so that a flipped bit is detected.

In a JSON object the seal is the last field, `seal`; in other text the last line, `# seal: <SHA-256>`. The hash is of
the file without the seal. In a file of JSON lines each line has its own seal. Files of earlier versions have no seal
and are read unchecked; `ecg-assets verify` names them.
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
# Text that differs from a seal in at most this many bytes is a damaged seal; other text does not come as near.
_NEAR = 3


# End of a message that has already named the file.
SEAL_BROKEN = "it has changed since it was written: its seal does not fit"


class SealBrokenError(ValueError):
    """A file has changed since it was written; the message names it."""


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
        SealBrokenError: the seal does not match.
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
        OSError: it is missing, access is denied, or it is not a plain file.
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
    """Whether two texts of this length agree outside the hash, except for a byte or two."""
    if len(held) != len(pattern):
        return False
    start = pattern.index(_HASH.encode())
    places = [*range(start), *range(start + len(_HASH), len(pattern))]
    return len([place for place in places if held[place] != pattern[place]]) <= _NEAR
