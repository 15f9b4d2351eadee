"""The reader's version changes with the weights' content and the number in the code, and with nothing else."""

import shutil
from pathlib import Path

import pytest

from ecg_assets.digitize import version
from ecg_assets.weights import SEGMENTATION, weights_path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package's weights, which the version is asked of."""
    copy = tmp_path / "weights"
    shutil.copytree(weights_path(SEGMENTATION).parent, copy)
    monkeypatch.setattr(version, "files", lambda _: copy)
    return copy


def test_renamed_files_and_other_files_leave_it_as_it_is(package: Path) -> None:
    before = version.reader_version()
    (package / SEGMENTATION).rename(package / "renamed.safetensors")
    (package / "MODEL_CARD.md").write_text("other words")
    assert version.reader_version() == before


def test_other_weights_and_another_code_version_change_it(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = version.reader_version()
    content = bytearray((package / SEGMENTATION).read_bytes())
    content[-1] ^= 1
    (package / SEGMENTATION).write_bytes(content)
    other = version.reader_version()
    monkeypatch.setattr(version, "CODE_VERSION", "another")
    assert len({before, other, version.reader_version()}) == 3
