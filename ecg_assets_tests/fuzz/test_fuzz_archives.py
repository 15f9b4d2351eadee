"""Archives: tar, packed or not, and the zip files in which Kaggle sends some files."""

import gzip
import io
import lzma
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ecg_assets.records.kaggle.client import unzipped
from ecg_assets.records.kaggle.errors import KaggleUnavailableError
from ecg_assets.records.sources.archive import ArchiveError, unpack
from ecg_assets_tests.fuzz.attack import Builder, damaged, fuzz, refusal

MEMBER = "1-0001.png"
CONTENT = b"\x89PNG" + bytes(range(256)) * 12
MOST = 8 << 20


def tar(form: int = tarfile.USTAR_FORMAT) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=form) as stream:
        for number, name in enumerate(("train/1/1.csv", "train/2/2.csv", f"train/{'3' * 120}/é.csv")):
            info = tarfile.TarInfo(name)
            info.size = 700 * number
            info.mtime = 0.5 if form == tarfile.PAX_FORMAT else 0
            stream.addfile(info, io.BytesIO(b"I,II\n" * 140 * number))
    return packed.getvalue()


def zipped(method: int = zipfile.ZIP_DEFLATED, name: str = MEMBER, content: bytes = CONTENT) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr(zipfile.ZipInfo("first.txt"), "first")
        archive.writestr(zipfile.ZipInfo(name), content, method)
    return packed.getvalue()


TARS = [tar(form) for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)]
ZIPS = [zipped(), zipped(zipfile.ZIP_STORED), zipped(zipfile.ZIP_LZMA), zipped(zipfile.ZIP_BZIP2)]


def read_tar(path: Path) -> None:
    target = path.parent / "deep" / "out"
    try:
        unpack(path, target, max_bytes=MOST)
        below = [one for one in target.rglob("*") if not one.is_dir()]
        assert all(one.is_file() and not one.is_symlink() for one in below)
        assert sum(one.stat().st_size for one in below) <= MOST
    finally:
        shutil.rmtree(target, ignore_errors=True)
        assert {one.name for one in path.parent.iterdir()} <= {path.name, "deep"}


def read_zip(path: Path) -> None:
    assert unzipped(path, MEMBER) == CONTENT


def lying_zip() -> bytes:
    """Claims 100 bytes, unpacks to 32 MiB."""
    content = bytearray(zipped(content=bytes(32 << 20)))
    size = (32 << 20).to_bytes(4, "little")
    while size in content:
        place = content.index(size)
        content[place : place + 4] = (100).to_bytes(4, "little")
    return bytes(content)


def zip_with(place: int, value: int) -> bytes:
    """The central directory's second entry with another 16-bit value at this offset."""
    content = bytearray(zipped())
    entry = content.rindex(b"PK\x01\x02")
    content[entry + place : entry + place + 2] = value.to_bytes(2, "little")
    return bytes(content)


def flipped(content: bytes, share: float) -> bytes:
    changed = bytearray(content)
    changed[int(share * len(changed))] ^= 0x10
    return bytes(changed)


Read = Callable[[Path], None]
KINDS: dict[str, tuple[str, list[bytes], Read, type[Exception], int]] = {
    "tar": ("a.tar", TARS, read_tar, ArchiveError, 1000),
    "tar.gz": ("a.tar.gz", [gzip.compress(one, mtime=0) for one in TARS], read_tar, ArchiveError, 250),
    "tar.xz": ("a.tar.xz", [lzma.compress(one) for one in TARS], read_tar, ArchiveError, 250),
    "zip": (f"{MEMBER}.zip", ZIPS, read_zip, KaggleUnavailableError, 1000),
}
# Others are in security/test_archives.py.
CORPUS: dict[str, tuple[str, Builder]] = {
    "xz damaged in the middle": ("tar.xz", lambda: flipped(lzma.compress(TARS[0]), 0.5)),
    "gzip without its end": ("tar.gz", lambda: gzip.compress(TARS[0])[:-6]),
    "gzip of nothing": ("tar.gz", lambda: gzip.compress(b"")),
    "an empty file": ("tar", lambda: b""),
    "encrypted": ("zip", lambda: zip_with(8, 1)),
    "a method that nobody knows": ("zip", lambda: zip_with(10, 99)),
    "of a later version": ("zip", lambda: zip_with(6, 255)),
    "smaller by its claim than unpacked": ("zip", lying_zip),
    "without the file": ("zip", lambda: zipped(name="other.png")),
    "cut off": ("zip", lambda: zipped()[:-30]),
    "deflated data damaged": ("zip", lambda: flipped(zipped(), 0.3)),
    "lzma data damaged": ("zip", lambda: flipped(ZIPS[2], 0.4)),
    "bzip2 data damaged": ("zip", lambda: flipped(ZIPS[3], 0.4)),
}


@pytest.mark.parametrize("shape", CORPUS)
def test_a_known_shape_is_refused_by_name(tmp_path: Path, shape: str) -> None:
    kind, build = CORPUS[shape]
    name, _, read, error, _ = KINDS[kind]
    (tmp_path / name).write_bytes(build())
    assert refusal(tmp_path / name, read, (error,)) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_whole_is_read(tmp_path: Path, kind: str) -> None:
    name, wholes, read, error, _ = KINDS[kind]
    for whole in wholes:
        (tmp_path / name).write_bytes(whole)
        assert refusal(tmp_path / name, read, (error,)) is None


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_thousands_of_damaged_archives_are_read_or_refused_by_name(tmp_path: Path, kind: str) -> None:
    name, wholes, read, error, examples = KINDS[kind]
    told = fuzz(tmp_path / name, damaged(wholes), read, (error,), examples)
    print(kind, told, sep="; ")  # noqa: T201 - what pytest -s is asked for
    assert told.refused
