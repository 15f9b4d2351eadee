"""`ecg-assets digitize`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from ecg_assets.store.plain_file import open_plain

if TYPE_CHECKING:
    from ecg_assets.digitize.scoring.score_folders import Scored

# Images per table of scores.
_COLUMNS = 4


@click.command()
@click.argument("images", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the results.")
@click.option(
    "--fs", "fs_hz", type=click.IntRange(100, 2000), default=500, show_default=True, help="Sampling rate, in Hz."
)
@click.option(
    "--layout",
    default="auto",
    show_default=True,
    help="Layout of the pages: 3x4, 3x4+1, 3x4+3, 6x2, 12x1 and others; auto infers it from the leads.",
)
@click.option(
    "--truth",
    type=click.Path(exists=True, path_type=Path),
    help="True signals as CSV, or a folder of <id>.csv for images <id> or <id>-NNNN; the results are scored with them.",
)
@click.option("--overwrite", is_flag=True, help="Replace existing files, even inputs and results of other images.")
def digitize(images: tuple[str, ...], out: Path, fs_hz: int, layout: str, truth: Path | None, overwrite: bool) -> None:
    """Digitise scans and photos of paper ECGs: 12 leads in mV.

    IMAGES are files, folders or patterns. For each image:

    \b
    <stem>.csv             12 leads I to V6 in mV, 10 s; cells outside the printed part are empty
    <stem>.json            layout, px/mm, paper speed, gain, orientation, confidence of each lead, assumptions
    <stem>_rectified.png   the rectified page, 16 px/mm horizontally and 8 px/mm vertically
    <stem>_check.png       the recovered traces over the image: inspect it before using the signals

    Cells of a lead are empty where it is not printed or cannot be read; values are never invented. An image that is not
    an ECG, or whose grid cannot be found, is refused with a reason, and the others continue. With --truth the
    competition's signal-to-noise ratio of each lead is also written, see `ecg-assets score`.

    Results replace earlier results of the same image; an image whose results would replace any other file is refused.

    This is a research tool, not a medical device.

    \b
    Examples:
      ecg-assets digitize photo.jpg --out results
      ecg-assets digitize scans/ 'more/*.png' --out results --fs 1000
      ecg-assets digitize 1006427285-0005.png --out results --truth 1006427285.csv
    """
    # Importing torch takes seconds; wrong arguments are reported before it.
    from ecg_assets.digitize.digitize_file import digitize_to
    from ecg_assets.digitize.digitizer import load_reader
    from ecg_assets.digitize.outputs import outputs_of
    from ecg_assets.digitize.scoring.score_folders import truth_of
    from ecg_assets.pages.style.layouts import layout_named
    from ecg_assets.scans.image_names import refuse_unfit_name, shown_name
    from ecg_assets.scans.image_paths import images_named
    from ecg_assets.scans.refusal import refusal_text
    from ecg_assets.scans.result_guard import ResultGuard

    if layout != "auto":
        layout_named(layout)
    paths = images_named(images)
    outputs = outputs_of(out, [path.name for path in paths])
    truths = [found for path in paths if truth is not None and (found := truth_of(path, truth)) is not None]
    guard = ResultGuard([*paths, *truths], "fs_hz", overwrite)
    reader, console = load_reader(), Console()
    scored, failed = [], 0
    bar = track(paths, "Reading", console=console, disable=not console.is_terminal)
    for number, path in enumerate(bar, start=1):
        places = outputs[path.name]
        try:
            refuse_unfit_name(path.name)
            open_plain(path).close()
            guard.claim(path, places.paths, places.info)
            score = digitize_to(reader, path, places, fs_hz, layout, truth)
        except Exception as error:  # one failing image must not stop the others
            failed += 1
            click.echo(f"Refused: {refusal_text(error, str(path))}", err=True)
            continue
        scored += [score] if score is not None else []
        if not console.is_terminal:
            click.echo(f"{shown_name(path.name)} ({number} of {len(paths)})")
    for first in range(0, len(scored), _COLUMNS):
        console.print(_scores(scored[first : first + _COLUMNS]))
    click.echo(f"{len(paths) - failed} of {len(paths)} images read; results are in {out}")
    if failed:
        sys.exit(1)


def _scores(scored: list["Scored"]) -> Table:
    """SNR of each lead and of all leads, per image."""
    table = Table("", title="SNR in dB", title_justify="left")
    leads = list(dict.fromkeys(lead for one in scored for lead in one.leads))
    for one in scored:
        table.add_column(one.name, justify="right", overflow="fold")
    for lead in leads:
        table.add_row(lead, *(f"{one.leads[lead].db:.1f}" if lead in one.leads else "" for one in scored))
    table.add_row("all", *(f"{one.db:.2f}" for one in scored))
    return table
