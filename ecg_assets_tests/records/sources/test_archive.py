"""Unpacking: nothing outside the target, no links, no devices, a size limit, and no half archives."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ecg_assets.records.sources.archive import ArchiveError, unpack


def member(name: str, content: bytes = b"x", kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content) if kind == tarfile.REGTYPE else 0, kind, target
    return info


def write(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as stream:
        for info, content in members:
            stream.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return path


def test_files_come_out_as_they_went_in(tmp_path: Path) -> None:
    archive = write(tmp_path / "a.tar.gz", (member("train/1/1.csv", b"one"), b"one"), (member("./train/2/2.csv"), b"x"))
    assert unpack(archive, tmp_path / "out") == []
    assert (tmp_path / "out" / "train/1/1.csv").read_bytes() == b"one"
    assert (tmp_path / "out" / "train/2/2.csv").read_bytes() == b"x"


def test_a_member_that_is_there_twice_is_told_and_the_first_is_kept(tmp_path: Path) -> None:
    archive = write(tmp_path / "a.tar.gz", (member("train/1/1.csv"), b"1"), (member("train/1/1.csv"), b"2"))
    assert unpack(archive, tmp_path / "out") == ["train/1/1.csv"]
    assert (tmp_path / "out/train/1/1.csv").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (member("../evil.csv"), "leads outside"),
        (member("/etc/evil.csv"), "leads outside"),
        (member("train/../../evil.csv"), "leads outside"),
        (member("train\\..\\evil.csv"), "leads outside"),
        (member("link.csv", kind=tarfile.SYMTYPE, target="/etc/passwd"), "link or a device"),
        (member("hard.csv", kind=tarfile.LNKTYPE, target="train/1/1.csv"), "link or a device"),
        (member("null", kind=tarfile.CHRTYPE), "link or a device"),
        (member("pipe", kind=tarfile.FIFOTYPE), "link or a device"),
    ],
)
def test_a_member_that_leads_out_or_is_no_file_is_refused_by_name(
    tmp_path: Path, bad: tarfile.TarInfo, says: str
) -> None:
    archive = write(tmp_path / "a.tar.gz", (member("train/1/1.csv"), b"x"), (bad, b"x"))
    with pytest.raises(ArchiveError) as caught:
        unpack(archive, tmp_path / "deep" / "out")
    assert says in str(caught.value)
    assert repr(bad.name) in str(caught.value)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.tar.gz", "deep"]


def test_an_archive_that_unpacks_too_large_is_refused(tmp_path: Path) -> None:
    archive = write(tmp_path / "a.tar.gz", (member("zeros", bytes(3 << 20)), bytes(3 << 20)))
    with pytest.raises(ArchiveError, match="more than 2 MiB"):
        unpack(archive, tmp_path / "out", max_bytes=2 << 20)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "damage", [lambda all_: all_[: len(all_) // 2], lambda all_: all_[:-9], lambda _: b"no archive"]
)
def test_a_cut_off_or_foreign_archive_is_an_error_that_names_it(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    content = bytes(range(256)) * 2000
    archive = write(tmp_path / "a.tar.gz", (member("train/1/1.csv", content), content))
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(ArchiveError, match=r"a\.tar\.gz cannot be unpacked: it is cut off or damaged"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()
