"""The champion's rule: better on the wave, and not noticeably worse on anything else."""

from dataclasses import dataclass

from ecg_assets.training.evaluation.scorecard import Scorecard

WAVE = "wave"
# So much Dice may another class lose.
ALLOWED_LOSS = 0.005


@dataclass(frozen=True)
class Verdict:
    """Whether a challenger is to be champion, and a sentence that says why."""

    promoted: bool
    reason: str


@dataclass(frozen=True)
class Compared:
    """Dice of one class of both; None where it is neither present nor predicted."""

    name: str
    challenger: float | None
    champion: float | None

    @property
    def gain(self) -> float:
        """Of the challenger over the champion. Where there is nothing, to find nothing is perfect."""
        return (1.0 if self.challenger is None else self.challenger) - (1.0 if self.champion is None else self.champion)

    def __str__(self) -> str:
        texts = ("-" if value is None else f"{value:.4f}" for value in (self.challenger, self.champion))
        return f"{self.name} {' against '.join(texts)}"


def compared(challenger: Scorecard, champion: Scorecard) -> list[Compared]:
    """Dice class by class: the networks' own classes where both have the same, else background, grid and wave."""
    if challenger.dice.keys() == champion.dice.keys():
        one, other = challenger.dice, champion.dice
    else:
        one, other = challenger.three_class_dice, champion.three_class_dice
    return [Compared(name, one[name], other[name]) for name in one]


def judge(challenger: Scorecard, champion: Scorecard) -> Verdict:
    """Applies the rule; both were scored on the same test split.

    Raises:
        ValueError: they were not.
    """
    if challenger.dataset_digest != champion.dataset_digest:
        raise ValueError("challenger and champion were scored on different datasets")
    rows = {row.name: row for row in compared(challenger, champion)}
    wave = rows.pop(WAVE)
    if wave.gain <= 0:
        return Verdict(False, f"{challenger.experiment} is not better on the wave: {wave}")
    worse = [row for row in rows.values() if row.gain < -ALLOWED_LOSS]
    if worse:
        said = ", ".join(map(str, worse))
        return Verdict(
            False,
            f"{challenger.experiment} is better on the wave ({wave}), but worse by more than {ALLOWED_LOSS}: {said}",
        )
    return Verdict(True, f"better on the wave ({wave}), and on no other class worse by more than {ALLOWED_LOSS}")
