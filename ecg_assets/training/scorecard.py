"""What a run's best checkpoint reaches on the test split, kept beside the run."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from ecg_assets.store.atomic import write_text
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log
from ecg_assets.training.run_folder import RunFolder, read_start

# To be raised when the same checkpoint on the same data would score otherwise.
CODE_VERSION = "2"
_BATCH = 8
_SCORES = {"samples", "dice", "dice_by_recipe", "iou", "precision", "recall", "three_class_dice"}


class ScorecardMissingError(ValueError):
    """A run was not evaluated yet."""


class Scorecard(BaseModel):
    """Scores on the test split; a class that neither occurs nor is predicted has None.

    Attributes:
        code_version: of the scoring.
        experiment: whose checkpoint was scored.
        sha256: of the checkpoint's file.
        dataset_digest: of the dataset.
        samples: how many were scored.
        dice, iou, precision, recall: per class of the network.
        dice_by_recipe: Dice per class of the samples of each degradation recipe; `clean` has none.
        three_class_dice: of background, grid (all lines) and wave; comparable between networks.
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

    @property
    def score(self) -> float:
        """Mean Dice over background, grid and wave: what champions are compared by."""
        return mean_dice(self.three_class_dice)


def mean_dice(dice: dict[str, float | None]) -> float:
    """Mean over the classes that occur; 0 when none does."""
    known = [value for value in dice.values() if value is not None]
    return sum(known) / len(known) if known else 0.0


def scorecard_path(run: RunFolder) -> Path:
    """Where a run's scorecard lies."""
    return run.path / "report" / "scores.json"


def read_scorecard(run: RunFolder) -> Scorecard:
    """The scorecard of a run.

    Raises:
        ScorecardMissingError: the run was not evaluated.
    """
    path = scorecard_path(run)
    if not path.exists():
        raise ScorecardMissingError(f"{path} is not there; materialise evaluation_report first")
    return Scorecard.model_validate_json(path.read_text("utf-8"))


def score_run(root: DataRoot, run: RunFolder, log: Log) -> tuple[Scorecard, bool]:
    """Scores a run's best checkpoint on the test split, unless that was done already.

    Returns:
        The scorecard, and whether it was there.

    Raises:
        CheckpointError, EmptySplitError, RunFolderError: what they say.
    """
    start, sha256 = read_start(run), sha256_file(run.best)
    wanted = {"code_version": CODE_VERSION, "sha256": sha256, "dataset_digest": start.dataset_digest}
    if scorecard_path(run).exists():
        kept = read_scorecard(run)
        if kept.model_dump(include=set(wanted)) == wanted:
            log(f"{run.path.name}: this checkpoint is scored already on this dataset")
            return kept, True
    from ecg_assets.training.evaluate import evaluate  # imports torch

    evaluation = evaluate(root, run.best, "test", _BATCH, log)
    scores = evaluation.model_dump(include=_SCORES)
    card = Scorecard(**wanted, experiment=start.config.experiment, **scores)
    write_text(scorecard_path(run), card.model_dump_json(indent=1) + "\n")
    return card, False


def score_checkpoint(root: DataRoot, checkpoint: Path, log: Log) -> float:
    """`Scorecard.score` of any checkpoint on the present dataset."""
    from ecg_assets.training.evaluate import evaluate  # imports torch

    return mean_dice(evaluate(root, checkpoint, "test", _BATCH, log).three_class_dice)
