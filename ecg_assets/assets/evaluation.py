"""What the trained checkpoint can do."""

import dagster as dg

from ecg_assets.assets.metadata import picture, table, told
from ecg_assets.records.index import accepted_records
from ecg_assets.resources.storage import DataRootResource
from ecg_assets.store.fingerprint import fingerprint
from ecg_assets.store.root import DataRoot
from ecg_assets.training.plots import loss_curve
from ecg_assets.training.published import published_experiment
from ecg_assets.training.report import Picture, write_report
from ecg_assets.training.run_folder import RunFolder
from ecg_assets.training.scorecard import CODE_VERSION, Scorecard, score_run


@dg.asset(
    deps=["trained_checkpoint", "mixed_dataset"],
    group_name="training",
    kinds={"torch", "html"},
    code_version=CODE_VERSION,
)
def evaluation_report(context: dg.AssetExecutionContext, data_root: DataRootResource) -> dg.MaterializeResult[None]:
    """Scores of each class on records that training never saw, with pictures, as one HTML file."""
    root, log = data_root.open(), context.log.info
    run = RunFolder(root.runs / published_experiment(root))
    card, was_there = score_run(root, run, log)
    page = overlay_of_a_test_page(root, run)
    report = run.path / "report" / "index.html"
    facts = {"experiment": card.experiment, "checkpoint": card.sha256, "test samples": card.samples}
    pictures = [Picture("A test page as the network reads it", page), Picture("Training", loss_curve(run.events))]
    write_report(report, f"Evaluation of {card.experiment}", facts, score_rows(card), recipe_rows(card), pictures)
    known = {f"dice_{name}": value for name, value in card.dice.items() if value is not None}
    clean = card.dice_by_recipe.get("clean", {})
    known |= {f"dice_clean_{name}": value for name, value in clean.items() if value is not None}
    return dg.MaterializeResult(
        metadata=told(
            "Dice on test records: " + ", ".join(f"{name} {_text(value)}" for name, value in card.dice.items()),
            report,
            picture=picture(page, "a test page as the network reads it"),
            report=dg.MetadataValue.url(report.as_uri()),
            scores=table(score_rows(card)),
            dice_by_recipe=table(recipe_rows(card)),
            experiment=card.experiment,
            samples=card.samples,
            three_class_dice=card.score,
            made=0 if was_there else 1,
            skipped=1 if was_there else 0,
            **known,
        ),
        data_version=dg.DataVersion(fingerprint(card.model_dump())),
    )


def score_rows(card: Scorecard) -> list[dict[str, str]]:
    """One row a class, as text: a class that does not occur has no number."""
    return [
        {
            "class": name,
            "Dice": _text(card.dice[name]),
            "IoU": _text(card.iou[name]),
            "precision": _text(card.precision[name]),
            "recall": _text(card.recall[name]),
        }
        for name in card.dice
    ]


def recipe_rows(card: Scorecard) -> list[dict[str, str]]:
    """One row a degradation recipe with the Dice of each class, as text."""
    return [
        {"recipe": recipe, **{name: _text(value) for name, value in dice.items()}}
        for recipe, dice in card.dice_by_recipe.items()
    ]


def overlay_of_a_test_page(root: DataRoot, run: RunFolder) -> bytes:
    """The first test record's page with what the checkpoint reads in it, as PNG."""
    from ecg_assets.scans.preview import page_overlay  # imports torch

    records = accepted_records(root)
    record_id = str(records.loc[records["split"] == "test", "id"].iloc[0])
    return page_overlay(root, run.best, record_id)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
