"""`ecg-assets score`."""

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from ecg_assets.digitize.scoring.score_folders import Scored, Scores


@click.command()
@click.argument("predictions", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("truth", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "out", type=click.Path(dir_okay=False, path_type=Path), help="Write all scores to this file.")
@click.option("--all", "every", is_flag=True, help="List all records instead of the ten worst.")
@click.option("--overwrite", is_flag=True, help="Let --json replace a file of PREDICTIONS or TRUTH.")
def score(predictions: Path, truth: Path, out: Path | None, every: bool, overwrite: bool) -> None:
    """Score the digitised records in PREDICTIONS against the true ones in TRUTH.

    Both are folders of CSVs in the competition's format: header I to V6, mV, 10 s, empty cells outside the printed
    part. A prediction has the name of its truth, <id>.csv, or of one of its images, <id>-0005.csv; each is scored.

    The score is the competition's signal-to-noise ratio: shifts of up to 0.2 s and an offset per lead are corrected,
    the ratio of a record is capped at 384, and the score is 10 log10 of the mean ratio, at most 25.84 dB. A record
    without a prediction counts as 0. SNRs of single records and leads are not capped; the score of a lead over all
    records is a mean of capped ratios.

    \b
    Examples:
      ecg-assets score results/ competition/train
      ecg-assets score results/ truth/ --json score.json
    """
    from ecg_assets.digitize.scoring.score_folders import score_folders
    from ecg_assets.store.atomic import write_json
    from ecg_assets.store.overwriting import refuse_overwriting

    # Earlier scores among the predictions may be replaced; other files there may not.
    if out is not None and not overwrite and not _is_scores(out):
        refuse_overwriting(out, [predictions, truth])
    scores = score_folders(predictions, truth)
    console = Console()
    console.print(_records(scores.scored if every else scores.worst, "Records" if every else "The worst"))
    console.print(_leads(scores))
    for line in _notes(scores):
        click.echo(line)
    click.echo(f"Score: {scores.db:.4f} dB over {len(scores.scored)} records")
    if out is not None:
        write_json(out, scores.info())


def _is_scores(path: Path) -> bool:
    """Whether a file holds the scores of an earlier call."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and {"score_db", "by_record"} <= set(content)


def _records(scored: list["Scored"], title: str) -> Table:
    table = Table("record", title=title, title_justify="left")
    for heading in ("SNR, dB", "worst lead", "its SNR, dB"):
        table.add_column(heading, justify="right")
    for one in scored:
        if one.missing:
            table.add_row(one.name, "no prediction", "", "")
            continue
        lead, power = min(one.leads.items(), key=lambda item: item[1].db)
        table.add_row(one.name, _text(one.db), lead, _text(power.db))
    return table


def _leads(scores: "Scores") -> Table:
    table = Table("lead", title="Leads", title_justify="left")
    table.add_column("score, dB", justify="right")
    for lead, db in scores.by_lead().items():
        table.add_row(lead, f"{db:.2f}")
    return table


def _notes(scores: "Scores") -> list[str]:
    said = (
        ("records have no prediction and count as 0", scores.missing),
        ("predictions have no truth and are not scored", scores.without_truth),
        ("predictions were resampled to their truth's sampling rate", scores.resampled),
    )
    return [f"{len(names)} {what}: {_some(names)}" for what, names in said if names]


def _some(names: list[str], shown: int = 5) -> str:
    return ", ".join(names[:shown]) + (", ..." if len(names) > shown else "")


def _text(db: float) -> str:
    return f"{db:.2f}" if math.isfinite(db) else ("no error" if db > 0 else "no signal")
