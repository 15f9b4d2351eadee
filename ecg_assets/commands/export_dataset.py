"""`ecg-assets export-dataset`."""

from pathlib import Path

import click

from ecg_assets.samples.export import export_png
from ecg_assets.store.root import open_root
from ecg_assets.store.splits import SPLITS, Split

_PROGRESS_EVERY = 100


@click.command("export-dataset")
@click.argument("out", type=click.Path(file_okay=False, path_type=Path))
@click.option("--split", type=click.Choice(SPLITS), default=None, help="Only this split; by default all splits.")
def export_dataset(out: Path, split: Split | None) -> None:
    """Write the dataset as PNG files into the folder OUT.

    \b
    images/<sample>.png         RGB, 512 x 512
    masks/<sample>_mask.png     classes as grey values: 0 background, 1 horizontal line, 2 vertical line,
                                3 their crossing, 4 wave

    \b
    Examples:
      ecg-assets export-dataset /tmp/dataset
      ecg-assets export-dataset /tmp/test_only --split test
    """
    root = open_root(make=False)
    for written, total in export_png(root.dataset, out, split):
        if written % _PROGRESS_EVERY == 0 or written == total:
            click.echo(f"{written} of {total} samples")
    click.echo(f"Images and masks are in {out}")
