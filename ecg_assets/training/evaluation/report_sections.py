"""Formats a scorecard as tables for the report, the UI and the terminal."""

from collections.abc import Sequence
from pathlib import Path

from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot
from ecg_assets.training.evaluation.boundary_f_score import TOLERANCES_PX
from ecg_assets.training.evaluation.champion import champion_on, scorer
from ecg_assets.training.evaluation.counts import Division, Tally, divided, summed
from ecg_assets.training.evaluation.html_report import Picture, Row, Section, write_report
from ecg_assets.training.evaluation.promotion import compared, judge
from ecg_assets.training.evaluation.scorecard import Scorecard, Shown, scorecard_path
from ecg_assets.training.monitoring.plots import kept_loss_curve
from ecg_assets.training.runs.run_folder import RunFolder

_NEAR = (
    "F at n px: harmonic mean of precision (predicted pixels within n px of a true one) and recall (true pixels within "
    "n px of a predicted one), Euclidean, after Martin et al. 2004 and Csurka et al. 2013. Intersections: connected "
    "components whose centres are matched one to one within 3 px."
)


def class_rows(card: Scorecard) -> list[Row]:
    """One row per class: IoU, Dice, precision, recall, and F with a tolerance; None is shown without a number."""
    total = _total(card)
    near = {tolerance: total.near_f(tolerance) for tolerance in TOLERANCES_PX}
    return [
        {
            "class": name,
            "Dice": card.dice[name],
            "IoU": card.iou[name],
            "precision": card.precision[name],
            "recall": card.recall[name],
            **{f"F at {tolerance} px": classes.get(name) for tolerance, classes in near.items()},
        }
        for name in card.dice
    ]


def dice_rows(card: Scorecard, by: Division) -> list[Row]:
    """One row per recipe or layout: samples, and Dice of each class."""
    return [
        {by: name, "samples": tally.samples, **tally.scores.dice} for name, tally in divided(card.cells, by).items()
    ]


def near_rows(card: Scorecard, by: Division) -> list[Row]:
    """One row per recipe or layout: F of each class at 1 px, of the wave at 2 px, and of the intersections."""
    return [
        {
            by: name,
            **{f"{one} 1 px": value for one, value in tally.near_f(1).items()},
            "wave 2 px": tally.near_f(2)["wave"],
            "intersections found": tally.intersections.f,
        }
        for name, tally in divided(card.cells, by).items()
    ]


def key_numbers(card: Scorecard) -> dict[str, float]:
    """Scores to plot over time: `dice_<class>`, `dice_clean_<class>`, `f_1px_<class>`, `wave_f_1px_<recipe>`."""
    total, recipes = _total(card), divided(card.cells, "recipe")
    clean = recipes["clean"].scores.dice if "clean" in recipes else {}
    numbers = {
        **{f"dice_{name}": value for name, value in card.dice.items()},
        **{f"dice_clean_{name}": value for name, value in clean.items()},
        **{f"f_{px}px_{name}": value for px in TOLERANCES_PX for name, value in total.near_f(px).items()},
        "intersection_f_3px": total.intersections.f,
        **{f"wave_f_1px_{name}": tally.near_f(1)["wave"] for name, tally in recipes.items()},
    }
    return {name: value for name, value in numbers.items() if value is not None}


def sections(card: Scorecard, champion: Scorecard | None, folder: Path) -> list[Section]:
    """The report's sections for a scorecard.

    Args:
        card: of the run.
        champion: for comparison; None if there is none.
        folder: of the report, with the pictures of the best and the worst samples.
    """
    found = _total(card).intersections
    detection = {"predicted": found.predicted, "true": found.true, "matched": found.true_hits}
    rates = {"precision": found.precision, "recall": found.recall, "F": found.f}
    return [
        Section("Scores", _NEAR, class_rows(card)),
        *([Section("Intersections found", rows=[detection | rates])] if found.true or found.predicted else []),
        _against(card, champion),
        Section("Dice by degradation", rows=dice_rows(card, "recipe")),
        Section("F with a tolerance, by degradation", rows=near_rows(card, "recipe")),
        Section("Dice by layout", "Samples that show no ECG have no layout.", dice_rows(card, "layout")),
        Section("F with a tolerance, by layout", rows=near_rows(card, "layout")),
        _confusion(card),
        _gallery("The worst samples", card.worst, folder),
        _gallery("The best samples", card.best, folder),
    ]


def _total(card: Scorecard) -> Tally:
    return summed(cell.tally for cell in card.cells)


def _against(card: Scorecard, champion: Scorecard | None) -> Section:
    title = "Compared with the champion"
    if champion is None:
        return Section(title, "There is no champion yet.")
    if champion.sha256 == card.sha256:
        return Section(title, "This checkpoint is the champion.")
    rows = [
        {"Dice": row.name, card.experiment: row.challenger, f"champion ({champion.experiment})": row.champion}
        for row in compared(card, champion)
    ]
    verdict = judge(card, champion)
    ending = "It may take the champion's place" if verdict.promoted else "The champion stays"
    return Section(title, f"{ending}: {verdict.reason}.", rows)


def _confusion(card: Scorecard) -> Section:
    counts = _total(card).counts
    names = list(card.dice)
    shares = counts / counts.sum(axis=1, keepdims=True).clip(min=1)
    rows = [
        {
            "true \\ predicted": name,
            **{one: f"{share:.2%}" for one, share in zip(names, row, strict=True)},
            "pixels": f"{sum(own):,}",
        }
        for name, row, own in zip(names, shares.tolist(), counts.tolist(), strict=True)
    ]
    shaded = [[*row, 0.0] for row in shares.tolist()]
    return Section("Confusion matrix", "Share of each true class's pixels.", rows, shaded)


def _gallery(title: str, shown: Sequence[Shown], folder: Path) -> Section:
    pictures = [
        Picture(
            f"{place}. {one.sample}, {one.recipe}: agreement {one.agreement:.3f}"
            + ("" if one.wave_f is None else f", wave F {one.wave_f:.3f}"),
            (folder / one.picture).read_bytes(),
        )
        for place, one in enumerate(shown, 1)
    ]
    note = "Image, truth, prediction; ranked by agreement within 1 px of all classes but background together."
    return Section(title, note, pictures=pictures)


def report_path(run: RunFolder) -> Path:
    """Path of a run's report."""
    return scorecard_path(run).with_name("index.html")


def write_evaluation(root: DataRoot, run: RunFolder, card: Scorecard, page_png: bytes, log: Log) -> None:
    """Writes the report of a scored run. The caller holds the lock of the champion's folder.

    Args:
        root: holds the dataset and the champion.
        run: that was scored.
        card: its scores.
        page_png: a test page with the network's prediction.
        log: receives what happens.

    Raises:
        CheckpointError, EmptySplitError: the champion cannot be scored on this dataset.
    """
    champion = champion_on(root, card.dataset_digest, scorer(root, card.dataset_digest, log), log)
    pictures = [Section("A test page as the network reads it", pictures=[Picture("first test record", page_png)])]
    if run.events.exists():  # not if another config has just taken over the run folder
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
