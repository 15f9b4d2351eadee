"""Signals digitised from real images, and the accuracy on pages with known signals."""

import time

import dagster as dg
from pydantic import Field

from ecg_assets.assets.evaluation import as_text
from ecg_assets.assets.metadata import picture, table, told
from ecg_assets.digitize.benchmark.config import JudgeConfig
from ecg_assets.digitize.version import reader_version
from ecg_assets.resources.data_root import DataRootResource

_SHOWN = 3
# The version includes the weights.
READER = reader_version()


class DigitizeConfig(dg.Config):
    """How real images are digitised."""

    fs_hz: int = Field(default=500, ge=100, le=2000, description="Sampling rate of the signals, in Hz.")
    layout: str = Field(default="auto", description="Layout of the pages: a name in layouts.yaml, or auto.")


class ReportConfig(dg.Config, JudgeConfig):
    """Pages that digitisation is scored on."""


@dg.asset(deps=["kaggle_subset"], group_name="scans", kinds={"csv", "torch"}, code_version=READER)
def digitized_signals(
    context: dg.AssetExecutionContext, config: DigitizeConfig, data_root: DataRootResource
) -> dg.MaterializeResult[None]:
    """12-lead signals in mV of every image in scans/inbox, with overlays for visual inspection."""
    from ecg_assets.digitize.digitizer import load_reader
    from ecg_assets.digitize.inbox_stage import check_sheet, digitize_inbox, results

    root = data_root.open()
    with data_root.writing(results(root), context.log.info):
        # Also for an empty inbox: results of removed images are deleted.
        report = digitize_inbox(root, load_reader, READER, config.fs_hz, config.layout, context.log.info)
    if not report.each.manifests and not report.refused:
        summary = f"nothing to read: put scans or photos of paper ECGs into {root.scans / 'inbox'}"
        context.log.info(summary)
        return dg.MaterializeResult(metadata=told(summary, results(root)), data_version=dg.DataVersion("empty"))
    metadata = told(
        f"{len(report.read)} images read, {len(report.refused)} refused",
        results(root),
        made=len(report.each.made),
        skipped=len(report.each.skipped),
        refused=len(report.refused),
    )
    if report.read:
        metadata["picture"] = picture(check_sheet(root, report.read[:_SHOWN]), "recovered traces over real images")
    if report.refused:
        metadata["why"] = table([{"image": name, "why": why} for name, why in report.refused.items()])
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(report.each.digest))


# Digitising takes minutes: with Materialize all, pages, samples and training do not wait for it.
@dg.asset(
    deps=["raw_csvs"],
    group_name="scans",
    kinds={"html", "torch"},
    op_tags={"dagster/priority": "-1"},
    code_version=READER,
)
def digitization_report(
    context: dg.AssetExecutionContext, config: ReportConfig, data_root: DataRootResource
) -> dg.MaterializeResult[None]:
    """HTML report: SNR of digitised test pages by degradation, layout and lead, with the ten worst pages."""
    from ecg_assets.digitize.benchmark.html_report import decibel, group_rows, write_digitization_report
    from ecg_assets.digitize.benchmark.scorecard import Card, score_of, write_card
    from ecg_assets.digitize.benchmark.stage import judge, report_path, results, scores_path
    from ecg_assets.digitize.digitizer import load_reader

    root, started = data_root.open(), time.perf_counter()
    with data_root.writing(results(root), context.log.info):
        judged = judge(root, config, load_reader, READER, context.log.info)
        card = Card(version=READER, pages=judged.pages)
        write_card(scores_path(root), card)
        write_digitization_report(report_path(root), card, judged.pictures)
    seconds = time.perf_counter() - started
    scores = {recipe: score_of(pages) for recipe, pages in card.grouped("recipe").items()}
    return dg.MaterializeResult(
        metadata=told(
            "SNR in dB: " + ", ".join(f"{recipe} {decibel(db)}" for recipe, db in scores.items()),
            report_path(root),
            picture=picture(judged.pictures[card.worst[0]].read_bytes(), "the page with the lowest SNR"),
            report=dg.MetadataValue.url(report_path(root).as_uri()),
            by_recipe=table(as_text(group_rows(card, "recipe"))),
            by_layout=table(as_text(group_rows(card, "layout"))),
            pages=len(card.pages),
            made=len(judged.each.made),
            skipped=len(judged.each.skipped),
            seconds_a_page=round(seconds / max(1, len(judged.each.made)), 1),
            **{f"snr_db_{recipe}": db for recipe, db in scores.items()},
        ),
        data_version=dg.DataVersion(judged.each.digest),
    )
