"""What tests of Kaggle share."""

import time

import pytest


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited each time; nobody waits."""
    seen: list[float] = []
    monkeypatch.setattr(time, "sleep", seen.append)
    return seen
