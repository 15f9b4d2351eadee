"""The report of a run's evaluation, compared with the champion."""

from pathlib import Path

from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log
from ecg_assets.training.champion import champion_on, scorer
from ecg_assets.training.plots import kept_loss_curve
from ecg_assets.training.report import Picture, Section, write_report
from ecg_assets.training.report_sections import sections
from ecg_assets.training.run_folder import RunFolder
from ecg_assets.training.scorecard import Scorecard, scorecard_path


def report_path(run: RunFolder) -> Path:
    """Where a run's report lies."""
    return scorecard_path(run).with_name("index.html")


def write_evaluation(root: DataRoot, run: RunFolder, card: Scorecard, page_png: bytes, log: Log) -> None:
    """Writes the report of a run that was scored. The caller holds the lock of the champion's folder.

    Args:
        root: holds the dataset and the champion.
        run: that was scored.
        card: its scores.
        page_png: a test page with what the network reads in it.
        log: receives what happens.

    Raises:
        CheckpointError, EmptySplitError: the champion cannot be scored on this dataset.
    """
    champion = champion_on(root, card.dataset_digest, scorer(root, card.dataset_digest, log), log)
    pictures = [Section("A test page as the network reads it", pictures=[Picture("first test record", page_png)])]
    if run.events.exists():  # not where another config has just taken the run folder
        curve = Picture("losses and Dice on validation samples", kept_loss_curve(root, run.events))
        pictures.append(Section("Training", pictures=[curve]))
    parts = sections(card, champion.card if champion else None, report_path(run).parent)
    facts = {
        "experiment": card.experiment,
        "checkpoint": card.sha256,
        "dataset": card.dataset_digest,
        "test samples": card.samples,
    }
    write_report(report_path(run), f"Evaluation of {card.experiment}", facts, [*parts, *pictures])
    log(f"report: {report_path(run)}")
