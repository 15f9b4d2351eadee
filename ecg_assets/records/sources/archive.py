"""Unpacks a tar archive of records safely: nothing outside the target, no links, no devices, a size limit."""

import bz2
import gzip
import lzma
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

MAX_UNPACKED_BYTES = 16 << 30
# A million records are two million files and folders.
MAX_MEMBERS = 4_000_000
_CHUNK_BYTES = 1 << 20

# Exceptions that reading a damaged archive may raise.
DAMAGES: tuple[type[Exception], ...] = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError, ValueError)
_DECOMPRESSORS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
# Headers are read in one piece, so one that claims gigabytes would fill the memory.
_MOST_AT_ONCE = 4 << 20
# A negative size would lead back to an earlier member in an endless loop.
_MOST_BACK = 1024


class SupportsRead(Protocol):
    """An open binary file."""

    def read(self, size: int, /) -> bytes: ...


class ArchiveError(ValueError):
    """An archive cannot be unpacked; the message names it, the member and what to do."""


def unpack(
    archive: Path, target: Path, max_bytes: int = MAX_UNPACKED_BYTES, max_members: int = MAX_MEMBERS
) -> list[str]:
    """Unpacks `archive` (tar, plain or compressed) into the new folder `target`.

    Args:
        archive: the file.
        target: must not exist; it is removed again after an error.
        max_bytes: limit of bytes to write.
        max_members: limit of files and folders.

    Returns:
        Names of members that the archive holds more than once; the first of each is kept.

    Raises:
        ArchiveError: the archive is truncated, damaged or too large, or a member leads outside the target or is
            neither a file nor a folder.
    """
    target.mkdir(parents=True)
    try:
        with opened(archive) as stream:
            repeated = _unpack_members(archive, stream, target, max_bytes, max_members)
            _read_to_end(stream)
            return repeated
    except ArchiveError:
        shutil.rmtree(target, ignore_errors=True)
        raise
    except DAMAGES as error:
        shutil.rmtree(target, ignore_errors=True)
        raise ArchiveError(f"{archive} cannot be unpacked: {_say(error)}; fetch it again") from error
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def _say(error: Exception) -> str:
    return str(error) if isinstance(error, OSError) else f"it is cut off or damaged ({error})"


def _unpack_members(
    archive: Path, stream: tarfile.TarFile, target: Path, max_bytes: int, max_members: int
) -> list[str]:
    written, repeated = 0, []
    for number, member in enumerate(stream, start=1):
        if number > max_members:
            raise ArchiveError(f"{archive} holds more than {max_members} files and folders: is it the right archive?")
        place = target / _safe_name(archive, member)
        if member.isdir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        if place.exists():
            repeated.append(member.name)
            continue
        written += member.size
        if written > max_bytes:
            raise ArchiveError(
                f"{archive} unpacks to more than {max_bytes >> 20} MiB (at {member.name}); expected records only: is "
                "it the right archive?"
            )
        _write_member(stream, member, place)
    return repeated


def _safe_name(archive: Path, member: tarfile.TarInfo) -> PurePosixPath:
    if not (member.isfile() or member.isdir()):
        raise ArchiveError(
            f"{archive}: member {member.name!r} is a link or a device; expected plain files and folders only: "
            "pack it again"
        )
    if member.size < 0:
        raise ArchiveError(f"{archive}: member {member.name!r} claims {member.size} bytes: pack it again")
    name = PurePosixPath(member.name)
    if "\0" in member.name:
        raise ArchiveError(f"{archive}: member {member.name!r} has a name that no file can have: pack it again")
    if name.is_absolute() or ".." in name.parts or "\\" in member.name:
        raise ArchiveError(f"{archive}: member {member.name!r} leads outside of the archive's folder: pack it again")
    return name


def _write_member(stream: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    source = stream.extractfile(member)
    if source is None:
        raise tarfile.ReadError(f"member {member.name} has no content")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as sink:
        left = member.size
        for chunk in _chunks(source):
            sink.write(chunk)
            left -= len(chunk)
    if left:
        raise tarfile.ReadError(f"member {member.name} lacks its last {left} bytes")


def _read_to_end(stream: tarfile.TarFile) -> None:
    """Reads to the end, because a compressed file's checksum after the last member is checked only then."""
    if stream.fileobj is not None:
        for _ in _chunks(stream.fileobj):
            pass


def _chunks(source: SupportsRead) -> Iterator[bytes]:
    while chunk := source.read(_CHUNK_BYTES):
        yield chunk


class _Forward:
    """A file that is read sequentially in pieces of limited size."""

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
    """Opens the archive for one sequential read, which may raise the exceptions in `DAMAGES`.

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
