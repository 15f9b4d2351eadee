"""Losses and scores against their definitions."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ecg_assets.training.evaluation.counts import tally_of
from ecg_assets.training.loop.losses import LossTerms, sample_losses
from ecg_assets.training.loop.validation_counts import ValidationCounts
from ecg_assets.training.runtime.heartbeat import Heartbeats
from ecg_assets.training.runtime.plain import PlainRuntime


def random_batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(4, 5, 16, 16, generator=generator)
    return logits, torch.randint(0, 5, (4, 16, 16), generator=generator).to(torch.uint8)


def test_cross_entropy_and_dice_are_those_of_the_definitions() -> None:
    logits, mask = random_batch()
    weights = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    losses = sample_losses(logits, mask, weights, LossTerms(dice=0))
    nll = torch.nn.functional.cross_entropy(logits, mask.long(), weight=weights, reduction="none")
    torch.testing.assert_close(losses, nll.mean(dim=(1, 2)))
    probability = logits.softmax(1)
    truth = torch.nn.functional.one_hot(mask.long(), 5).permute(0, 3, 1, 2).float()
    hits, sums = (probability * truth).sum((2, 3)), (probability + truth).sum((2, 3))
    dice = ((2 * hits + 1) / (sums + 1)).mean(1)
    torch.testing.assert_close(sample_losses(logits, mask, weights, LossTerms()) - losses, 1 - dice)


def test_a_sample_s_loss_does_not_depend_on_its_neighbours() -> None:
    logits, mask = random_batch()
    together = sample_losses(logits, mask, torch.ones(5), LossTerms())
    alone = torch.cat([sample_losses(logits[n : n + 1], mask[n : n + 1], torch.ones(5), LossTerms()) for n in range(4)])
    torch.testing.assert_close(together, alone)


def test_scores_are_those_of_a_direct_count_and_filling_samples_do_not_count(tmp_path: Path) -> None:
    logits, mask = random_batch()
    predicted = logits.argmax(1).to(torch.uint8)
    counts = ValidationCounts(5)
    counts.add(predicted, mask, torch.tensor([1.0, 1.0, 1.0, 0.0]))
    counts.add(predicted, mask, torch.tensor([0.0, 1.0, 0.0, 0.0]))
    scores = counts.total(PlainRuntime(Heartbeats(tmp_path))).scores
    true_nhw, predicted_nhw = (torch.cat([one[:3], one[1:2]]).numpy() for one in (mask, predicted))
    for number, name in enumerate(scores.dice):
        true, found = true_nhw == number, predicted_nhw == number
        hits = np.sum(true & found)
        assert scores.iou[name] == pytest.approx(hits / np.sum(true | found))
        assert scores.dice[name] == pytest.approx(2 * hits / (np.sum(true) + np.sum(found)))
        assert scores.precision[name] == pytest.approx(hits / np.sum(found))
        assert scores.recall[name] == pytest.approx(hits / np.sum(true))


def test_a_perfect_prediction_scores_one_and_an_absent_class_nothing() -> None:
    mask = np.array([[0, 1], [4, 4]], dtype=np.uint8)
    scores = tally_of(mask, mask, 5).scores
    assert scores.dice == {"background": 1, "horizontal": 1, "vertical": None, "intersection": None, "wave": 1}
    assert scores.foreground_dice == 1
