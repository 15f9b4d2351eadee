"""Every way in which a picture comes in refuses one that is too large, before a pixel of it is unpacked, by name."""

import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecg_assets.cli import main
from ecg_assets.digitize.inbox_stage import digitize_inbox
from ecg_assets.pages.paper.papers import own_paper
from ecg_assets.pages.paper.scanned_paper import read_user_mask
from ecg_assets.pages.raster.png import PngError
from ecg_assets.scans.image import UnreadableImageError, read_image
from ecg_assets.scans.inbox import inbox
from ecg_assets.scans.stage import segment_inbox
from ecg_assets.store.root import open_root
from ecg_assets.weights import SEGMENTATION, weights_path
from ecg_assets_tests.conftest import quiet

TOO_LARGE = r"bomb\.png is 12000 x 12000 px, more than 100 million"


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(path: Path, width: int = 12_000, height: int = 12_000) -> Path:
    """A grey PNG of a few kilobytes that claims, and begins, 144 million pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20), 9)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("command", ["predict", "digitize"])
def test_the_commands_name_it_and_go_on(tmp_path: Path, command: str) -> None:
    outcome = CliRunner().invoke(main, [command, str(bomb(tmp_path / "bomb.png")), "--out", str(tmp_path / "out")])
    assert outcome.exit_code == 1
    assert "Refused: bomb.png is 12000 x 12000 px, more than 100 million" in outcome.output
    assert "0 of 1 images read" in outcome.output


def test_in_the_inbox_it_is_left_out_with_the_reason(tmp_path: Path) -> None:
    root = open_root(tmp_path / "root")
    bomb(inbox(root) / "bomb.png")
    report = segment_inbox(root, weights_path(SEGMENTATION), quiet)
    assert "more than 100 million" in report.unreadable["bomb.png"]

    def unused() -> None:
        raise AssertionError("nothing is to be read")

    class Unused:
        digitize_image = unused

    refused = digitize_inbox(root, Unused, "1", 500, "auto", quiet).refused  # type: ignore[arg-type]
    assert "more than 100 million" in refused["bomb.png"]


@pytest.mark.parametrize("read", [lambda path: own_paper(path, None), lambda path: read_user_mask(path, (9, 9))])
def test_the_users_paper_and_its_mask_too(tmp_path: Path, read: Callable[[Path], object]) -> None:
    with pytest.raises(PngError, match=TOO_LARGE):
        read(bomb(tmp_path / "bomb.png"))


def test_a_claim_beyond_what_a_number_holds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match=r"bomb\.png (cannot be read|has more than 100 million)"):
        read_image(bomb(tmp_path / "bomb.png", 2**31 - 1, 2**31 - 1))


def test_postscript_by_the_name_of_a_picture_is_not_run(tmp_path: Path) -> None:
    path = tmp_path / "page.png"
    path.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\nshowpage\n%%EOF\n")
    with pytest.raises(UnreadableImageError, match=r"page\.png cannot be read as an image \(cannot identify"):
        read_image(path)


def test_refusing_takes_no_memory(tmp_path: Path) -> None:
    """In a process that may use little more than what its imports do."""
    program = (
        "import resource, sys; from pathlib import Path; from ecg_assets.scans.image import read_image\n"
        "used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20), used + (64 << 20)))\n"
        "read_image(Path(sys.argv[1]))\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program, str(bomb(tmp_path / "bomb.png"))], capture_output=True, text=True, timeout=120
    )
    assert "UnreadableImageError: bomb.png is 12000 x 12000 px" in told.stderr
