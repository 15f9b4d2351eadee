"""Tiles that are answered side by side come back in their order, each by one thread of torch."""

import threading
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
import torch

from ecg_assets.scans import torch_predictor as torch_network
from ecg_assets.scans.tiles import Scores
from ecg_assets.scans.torch_predictor import torch_predictor
from ecg_assets.weights import WAVE, weights_path


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tiles_bhwc(two_threads: None) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (5, 64, 96, 3), dtype=np.uint8)


def test_answers_stand_in_the_order_of_the_tiles(tiles_bhwc: npt.NDArray[np.uint8]) -> None:
    predict, classes = torch_predictor(weights_path(WAVE))
    together = predict(tiles_bhwc)
    assert together.shape == (5, classes, 64, 96)
    alone = np.concatenate([predict(tile[None]) for tile in tiles_bhwc])
    np.testing.assert_allclose(together, alone, atol=1e-6)
    assert np.abs(together - together[::-1]).max() > 0.01, "the tiles are too much alike to tell their order"


def test_each_tile_has_one_thread_and_two_tiles_are_answered_at_a_time(
    tiles_bhwc: npt.NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    predict, _ = torch_predictor(weights_path(WAVE))
    seen: list[tuple[str, int]] = []
    both = threading.Barrier(2, timeout=60)
    true_answer = torch_network._probabilities

    def watched(network: object, tiles: torch.Tensor) -> Scores:
        both.wait()  # breaks, and the test with it, unless two are here at the same time
        seen.append((threading.current_thread().name, torch.get_num_threads()))
        return true_answer(network, tiles)  # type: ignore[arg-type]

    monkeypatch.setattr(torch_network, "_probabilities", watched)
    predict(tiles_bhwc[:4])
    assert {threads for _, threads in seen} == {1}
    assert len({name for name, _ in seen}) == 2
    assert torch.get_num_threads() == 2, "the caller keeps its own"
