"""The rule for promotion: better on the wave, and not noticeably worse on any other class."""

from dataclasses import dataclass

from ecg_assets.training.evaluation.scorecard import Scorecard

WAVE = "wave"
# Largest loss of Dice allowed in another class.
ALLOWED_LOSS = 0.005


@dataclass(frozen=True)
class Verdict:
    """Whether a challenger becomes champion, and the reason as a sentence."""

    promoted: bool
    reason: str


@dataclass(frozen=True)
class Compared:
    """Dice of one class for both networks; None if it is neither present nor predicted."""

    name: str
    challenger: float | None
    champion: float | None

    @property
    def gain(self) -> float:
        """The challenger's Dice minus the champion's; a class neither present nor predicted counts as 1."""
        return (1.0 if self.challenger is None else self.challenger) - (1.0 if self.champion is None else self.champion)

    def __str__(self) -> str:
        texts = ("-" if value is None else f"{value:.4f}" for value in (self.challenger, self.champion))
        return f"{self.name} {' against '.join(texts)}"


def compared(challenger: Scorecard, champion: Scorecard) -> list[Compared]:
    """Dice class by class: the networks' own classes if both have the same, otherwise background, grid and wave."""
    if challenger.dice.keys() == champion.dice.keys():
        one, other = challenger.dice, champion.dice
    else:
        one, other = challenger.three_class_dice, champion.three_class_dice
    return [Compared(name, one[name], other[name]) for name in one]


def judge(challenger: Scorecard, champion: Scorecard) -> Verdict:
    """Applies the rule to two scorecards of the same test split.

    Raises:
        ValueError: the test splits differ.
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
