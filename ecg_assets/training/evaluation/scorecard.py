"""Scores a run's best checkpoint on the test split and stores the scores in the run's folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot
from ecg_assets.store.sealed import SealBrokenError, read_unsealed, write_sealed_text
from ecg_assets.training.evaluation.counts import Cell, divided, summed
from ecg_assets.training.runs.run_folder import RunFolder, dataset_digest

if TYPE_CHECKING:
    from ecg_assets.training.evaluation.best_and_worst import Look
    from ecg_assets.training.evaluation.evaluate import Evaluation

# Raise this when a change of code changes the scores of the same checkpoint on the same data.
CODE_VERSION = "3"
_BATCH = 8


class ScorecardMissingError(ValueError):
    """A run was not evaluated, or by another version of the scoring."""


class Shown(BaseModel):
    """A sample in the report, with its picture.

    Attributes:
        sample: its id.
        recipe: of its degradations.
        agreement: of all classes except background within 1 px; samples are ranked by it.
        wave_f: F of the wave within 1 px; None without a wave.
        picture: the PNG's name, relative to the report's folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample: str
    recipe: str
    agreement: float
    wave_f: float | None
    picture: str


class Scorecard(BaseModel):
    """Scores on the test split; None for a class that neither occurs nor is predicted.

    Attributes:
        code_version: of the scoring.
        experiment: that trained the checkpoint.
        sha256: of the checkpoint's file.
        dataset_digest: of the dataset.
        samples: number of scored samples.
        dice, iou, precision, recall: per class of the network.
        dice_by_recipe: Dice per class of the samples of each degradation recipe; `clean` has none.
        three_class_dice: of background, grid (all lines) and wave; comparable between networks.
        cells: the counts of each recipe and layout, from which all scores are computed.
        best, worst: samples with their pictures, the best and the worst first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code_version: str
    experiment: str
    sha256: str
    dataset_digest: str
    samples: int
    dice: dict[str, float | None]
    dice_by_recipe: dict[str, dict[str, float | None]]
    iou: dict[str, float | None]
    precision: dict[str, float | None]
    recall: dict[str, float | None]
    three_class_dice: dict[str, float | None]
    cells: list[Cell] = Field(default_factory=list, repr=False)
    best: list[Shown] = Field(default_factory=list, repr=False)
    worst: list[Shown] = Field(default_factory=list, repr=False)

    @property
    def score(self) -> float:
        """Mean Dice over background, grid and wave."""
        return mean_dice(self.three_class_dice)


def mean_dice(dice: dict[str, float | None]) -> float:
    """Mean over the classes that occur; 0 if none does."""
    known = [value for value in dice.values() if value is not None]
    return sum(known) / len(known) if known else 0.0


def scorecard_path(run: RunFolder) -> Path:
    """Path of a run's scorecard."""
    return run.path / "report" / "scores.json"


def read_scorecard(run: RunFolder) -> Scorecard:
    """The scorecard of a run.

    Raises:
        ScorecardMissingError: the run was not evaluated, or the file is not a scorecard.
    """
    path = scorecard_path(run)
    if not path.exists():
        raise ScorecardMissingError(f"{path} is not there; materialise evaluation_report first")
    try:
        return Scorecard.model_validate_json(read_unsealed(path))
    except (ValidationError, SealBrokenError) as error:
        raise ScorecardMissingError(f"{path} is no scorecard; delete it and materialise evaluation_report") from error


def score_run(root: DataRoot, run: RunFolder, checkpoint: Path, log: Log) -> tuple[Scorecard, bool]:
    """Scores a run's checkpoint on the test split, unless a current scorecard exists, and draws the extremes.

    Args:
        root: holds the dataset.
        run: of the checkpoint; the scorecard and its pictures go into its folder.
        checkpoint: the weights.
        log: receives what happens.

    Returns:
        The scorecard, and whether it existed already.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        EmptySplitError: the test split has no samples.
        RunFolderError: the dataset cannot be read.
    """
    sha256, digest = sha256_file(checkpoint), dataset_digest(root)
    if scorecard_path(run).exists():
        kept = read_scorecard(run)
        if is_current(kept, sha256, digest):
            log(f"{run.path.name}: this checkpoint is scored already on this dataset")
            return kept, True
    from ecg_assets.training.evaluation.evaluate import evaluate  # imports torch

    evaluation = evaluate(root, checkpoint, "test", _BATCH, log)
    folder = scorecard_path(run).parent
    best = [_draw(look, folder, f"best-{place:02d}") for place, look in enumerate(evaluation.extremes.best, 1)]
    worst = [_draw(look, folder, f"worst-{place:02d}") for place, look in enumerate(evaluation.extremes.worst, 1)]
    card = _card(evaluation, run.path.name, sha256, digest)
    card = card.model_copy(update={"best": best, "worst": worst})
    write_sealed_text(scorecard_path(run), card.model_dump_json(indent=1) + "\n")
    return card, False


def is_current(card: Scorecard, sha256: str, dataset_digest: str) -> bool:
    """Whether the card is of this checkpoint on this dataset, by the present version of the scoring."""
    return (card.code_version, card.sha256, card.dataset_digest) == (CODE_VERSION, sha256, dataset_digest)


def score_checkpoint(root: DataRoot, checkpoint: Path, experiment: str, dataset_digest: str, log: Log) -> Scorecard:
    """The scorecard of any checkpoint on the present dataset, without pictures.

    Raises:
        CheckpointError: the checkpoint cannot be used.
        EmptySplitError: the test split has no samples.
    """
    from ecg_assets.training.evaluation.evaluate import evaluate  # imports torch

    evaluation = evaluate(root, checkpoint, "test", _BATCH, log)
    return _card(evaluation, experiment, sha256_file(checkpoint), dataset_digest)


def _card(evaluation: "Evaluation", experiment: str, sha256: str, dataset_digest: str) -> Scorecard:
    total = summed(cell.tally for cell in evaluation.cells)
    return Scorecard(
        code_version=CODE_VERSION,
        experiment=experiment,
        sha256=sha256,
        dataset_digest=dataset_digest,
        samples=total.samples,
        **total.scores.model_dump(),
        dice_by_recipe={name: one.scores.dice for name, one in divided(evaluation.cells, "recipe").items()},
        three_class_dice=total.three_class_dice,
        cells=evaluation.cells,
    )


def _draw(look: "Look", folder: Path, name: str) -> Shown:
    from ecg_assets.training.evaluation.best_and_worst import triple

    picture = f"samples/{name}.png"
    write_bytes(folder / picture, triple(look))
    return Shown(
        sample=look.sample.id,
        recipe=look.sample.recipe,
        agreement=look.tally.agreement,
        wave_f=look.tally.near_f(1)["wave"],
        picture=picture,
    )
