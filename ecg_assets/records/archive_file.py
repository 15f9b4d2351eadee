"""Opens tar archives of other people, plain or compressed, so that reading one ends and stays small."""

import bz2
import gzip
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

# What reading a damaged archive may raise.
DAMAGES: tuple[type[Exception], ...] = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError, ValueError)

_DECOMPRESSORS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
# Headers are read in one piece: one that claims gigabytes would fill the memory.
_MOST_AT_ONCE = 4 << 20
# A size below zero would lead back to a member that was read already, without end.
_MOST_BACK = 1024


class _Forward:
    """A file that is read in pieces of a sane size, from the front to the back."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _MOST_AT_ONCE:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)

    def seek(self, position: int) -> int:
        if position < self._file.tell() - _MOST_BACK:
            raise tarfile.ReadError("a member with a size below zero")
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()


@contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    """The archive, to be read once from the front; what may be raised while it is open is in `DAMAGES`.

    Args:
        path: tar, plain or compressed with gzip, bzip2 or xz.
    """
    with ExitStack() as closing:
        plain = closing.enter_context(path.open("rb"))
        magic = plain.read(6)
        plain.seek(0)
        unpack = next((unpack for start, unpack in _DECOMPRESSORS.items() if magic.startswith(start)), None)
        content = plain if unpack is None else closing.enter_context(unpack(plain, "rb"))
        file: Any = _Forward(content)
        yield closing.enter_context(tarfile.TarFile(fileobj=file, mode="r", errorlevel=1))
