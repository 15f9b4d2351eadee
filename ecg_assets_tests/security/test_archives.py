"""Archives that were made to do harm; what is merely damaged or leads out is in records/test_archive.py."""

import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ecg_assets.records.sources.archive import ArchiveError, unpack

BLOCK = 512


def header(name: str, size: bytes, kind: bytes = tarfile.REGTYPE) -> bytes:
    """A member's header with this size field, 12 bytes, and a right checksum."""
    block = bytearray(tarfile.TarInfo(name).tobuf(tarfile.USTAR_FORMAT))
    block[124:136], block[156:157], block[148:156] = size, kind, b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def binary(size: int) -> bytes:
    """A size as GNU writes those that octal digits cannot say: below zero, or huge."""
    return b"\xff" + size.to_bytes(11, "big", signed=True) if size < 0 else b"\x80" + size.to_bytes(11, "big")


def with_pax(key: str, value: str) -> bytes:
    """A member whose extended header says so."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as stream:
        info = tarfile.TarInfo("1.csv")
        info.pax_headers = {key: value}
        stream.addfile(info)
    return packed.getvalue()


SHAPES: dict[str, Callable[[], bytes]] = {
    "a size below zero": lambda: header("1.csv", binary(-1024)) + bytes(4 * BLOCK),
    "an extended header of a size below zero": lambda: header("x", binary(-1024), b"x") + bytes(4 * BLOCK),
    "an extended header of gigabytes": lambda: header("x", binary(8 << 30), b"x") + bytes(9 << 20),
    "a long name of gigabytes": lambda: header("x", binary(8 << 30), b"L") + bytes(9 << 20),
    "a member of exabytes": lambda: header("1.csv", binary(1 << 62)) + bytes(4 * BLOCK),
    "a name with a NUL": lambda: with_pax("path", "1\0.csv"),
    "a name of 5000 letters": lambda: with_pax("path", "x" * 5000),
    "a name that climbs in an extended header": lambda: with_pax("path", "../../evil.csv"),
    "an extended size below zero": lambda: with_pax("size", "-1024"),
    "a size that is no number": lambda: with_pax("GNU.sparse.size", "many"),
    "a file in a file": lambda: header("a", binary(0)) + header("a/b", binary(0)) + bytes(2 * BLOCK),
}
PACKERS: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gzip": gzip.compress, "xz": lzma.compress}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_refused_by_name_soon_and_leaves_nothing(tmp_path: Path, shape: str, packer: str) -> None:
    archive = tmp_path / "train-csvs.tar.gz"
    archive.write_bytes(PACKERS[packer](SHAPES[shape]()))
    with pytest.raises(ArchiveError, match=r"train-csvs\.tar\.gz"):
        unpack(archive, tmp_path / "deep" / "out")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "train-csvs.tar.gz"]


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    archive = tmp_path / "many.tar.gz"
    with tarfile.open(archive, "w:gz") as stream:
        for number in range(20):
            stream.addfile(tarfile.TarInfo(f"{number}.csv"))
    with pytest.raises(ArchiveError, match=r"many\.tar\.gz holds more than 10 files and folders"):
        unpack(archive, tmp_path / "out", max_members=10)
    assert not (tmp_path / "out").exists()


def test_a_damaged_xz_archive_is_refused_like_the_others(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as stream:
        info = tarfile.TarInfo("1.csv")
        info.size = 200_000
        stream.addfile(info, io.BytesIO(bytes(range(250)) * 800))
    content = bytearray(packed.getvalue())
    content[len(content) // 2] ^= 0x55
    archive = tmp_path / "a.tar.xz"
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"a\.tar\.xz cannot be unpacked: it is cut off or damaged"):
        unpack(archive, tmp_path / "out")
