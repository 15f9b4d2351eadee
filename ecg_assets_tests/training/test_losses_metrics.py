"""Losses and scores against their definitions."""

import numpy as np
import pytest
import torch

from ecg_assets.training.losses import LossTerms, sample_losses
from ecg_assets.training.metrics import ConfusionMatrix, counts_on_host, scores_of


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


def test_scores_are_those_of_a_direct_count_and_filling_samples_do_not_count() -> None:
    logits, mask = random_batch()
    matrix = ConfusionMatrix(5, torch.device("cpu"))
    matrix.add(logits, mask, torch.tensor([1.0, 1.0, 1.0, 0.0]))
    matrix.add(logits, mask, torch.tensor([0.0, 1.0, 0.0, 0.0]))
    scores = scores_of(counts_on_host(matrix.counts))
    truth = torch.cat([mask[:3], mask[1:2]]).numpy()
    predicted = torch.cat([logits[:3], logits[1:2]]).argmax(1).numpy()
    for number, name in enumerate(scores.dice):
        hits = np.sum((truth == number) & (predicted == number))
        assert scores.iou[name] == pytest.approx(hits / np.sum((truth == number) | (predicted == number)))
        assert scores.dice[name] == pytest.approx(2 * hits / (np.sum(truth == number) + np.sum(predicted == number)))
        assert scores.precision[name] == pytest.approx(hits / np.sum(predicted == number))
        assert scores.recall[name] == pytest.approx(hits / np.sum(truth == number))


def test_a_perfect_prediction_scores_one_and_an_absent_class_nothing() -> None:
    mask = torch.tensor([[[0, 1], [4, 4]]], dtype=torch.uint8)
    logits = torch.nn.functional.one_hot(mask.long(), 5).permute(0, 3, 1, 2).float()
    matrix = ConfusionMatrix(5, torch.device("cpu"))
    matrix.add(logits, mask, torch.ones(1))
    scores = scores_of(counts_on_host(matrix.counts))
    assert scores.dice == {"background": 1, "horizontal": 1, "vertical": None, "intersection": None, "wave": 1}
    assert scores.foreground_dice == 1


def test_counts_stay_exact_beyond_what_an_int32_holds() -> None:
    mask = torch.zeros(1, 1024, 1024, dtype=torch.uint8)
    logits = torch.zeros(1, 3, 1024, 1024)
    logits[:, 0] = 1
    matrix = ConfusionMatrix(3, torch.device("cpu"))
    matrix.counts = matrix.counts + torch.tensor(
        [[[3000, 0, 0], [0, 0, 0], [0, 0, 0]], [[0] * 3] * 3], dtype=torch.int32
    )
    before = counts_on_host(matrix.counts)[0, 0]
    matrix.add(logits, mask, torch.ones(1))
    assert before > 2**31
    assert counts_on_host(matrix.counts)[0, 0] == before + 1024 * 1024
