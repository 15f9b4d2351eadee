"""Evaluation of the trained checkpoint."""

from pathlib import Path

import dagster as dg

from ecg_assets.assets.metadata import picture, table, told
from ecg_assets.pages.paths import page_path
from ecg_assets.records.index import accepted_records
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.store.cached_file import kept
from ecg_assets.store.config_fields import fingerprint_fields
from ecg_assets.store.fingerprint import fingerprint, sha256_file
from ecg_assets.store.root import DataRoot
from ecg_assets.training.evaluation.html_report import Row
from ecg_assets.training.evaluation.report_sections import (
    class_rows,
    dice_rows,
    key_numbers,
    near_rows,
    report_path,
    write_evaluation,
)
from ecg_assets.training.evaluation.scorecard import CODE_VERSION, score_run
from ecg_assets.training.runs.published import read_published


@dg.asset(
    deps=["trained_checkpoint", "mixed_dataset"],
    group_name="training",
    kinds={"torch", "html"},
    code_version=CODE_VERSION,
)
def evaluation_report(context: dg.AssetExecutionContext, data_root: DataRootResource) -> dg.MaterializeResult[None]:
    """HTML report: scores of each class on test records, which training does not use, with pictures."""
    root, log = data_root.open(), context.log.info
    published = read_published(root)
    run, difference = published.run, published.difference
    if difference is not None:
        context.log.warning(difference)
    card, was_there = score_run(root, run, published.checkpoint, log)
    page = overlay_of_a_test_page(root, published.checkpoint)
    with data_root.writing(root.champion, log):
        write_evaluation(root, run, card, page, log)
    numbers = key_numbers(card)
    wave_f = numbers.get("f_1px_wave")
    return dg.MaterializeResult(
        metadata=told(
            "Dice on test records: "
            + ", ".join(f"{name} {_text(value)}" for name, value in card.dice.items())
            + f"; wave F at 1 px {_text(wave_f)}",
            report_path(run),
            picture=picture(page, "predicted classes over a test page"),
            report=dg.MetadataValue.url(report_path(run).as_uri()),
            scores=table(as_text(class_rows(card))),
            dice_by_recipe=table(as_text(dice_rows(card, "recipe"))),
            f_by_recipe=table(as_text(near_rows(card, "recipe"))),
            f_by_layout=table(as_text(near_rows(card, "layout"))),
            experiment=card.experiment,
            samples=card.samples,
            three_class_dice=card.score,
            made=0 if was_there else 1,
            skipped=1 if was_there else 0,
            **({} if difference is None else {"not_evaluated": difference}),
            **numbers,
        ),
        data_version=dg.DataVersion(fingerprint(fingerprint_fields(card))),
    )


def overlay_of_a_test_page(root: DataRoot, checkpoint: Path) -> bytes:
    """The first test record's page with the predicted classes over it, as PNG; cached by page and checkpoint."""
    records = accepted_records(root)
    record_id = str(records.loc[records["split"] == "test", "id"].iloc[0])
    follows_from = fingerprint(CODE_VERSION, sha256_file(checkpoint), sha256_file(page_path(root, record_id)))

    def read() -> bytes:
        from ecg_assets.scans.preview import page_overlay  # imports torch

        return page_overlay(root, checkpoint, record_id)

    return kept(root.pictures / "test_page.kept", follows_from, read)


def as_text(rows: list[Row]) -> list[dict[str, str]]:
    """Numbers as text with four digits, "-" for a class that does not occur: a table column holds one type."""
    return [{name: _text(value) for name, value in row.items()} for row in rows]


def _text(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
