"""Real records and photos for tests: `ECG_REAL_DATA`, or ../shared/data beside the checkout."""

import os
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"


def real_data() -> Path:
    """The folder of real data; a test that asks where there is none says so and does not run."""
    folder = Path(os.environ.get("ECG_REAL_DATA") or _BESIDE)
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is not there; set ECG_REAL_DATA to a folder with ori_csv/ and photos/")
    return folder


def photos() -> list[Path]:
    """Real scans and phone photos of paper ECGs."""
    return sorted(path for path in (real_data() / "photos").iterdir() if path.suffix in (".png", ".jpg"))
