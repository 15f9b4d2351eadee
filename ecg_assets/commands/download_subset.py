"""`ecg-assets download-subset`."""

from pathlib import Path

import click

from ecg_assets.records.kaggle.client import COMPETITION, connect
from ecg_assets.records.kaggle.subset import DEFAULT_VARIANTS, PARTS_NAME, current_subset, download_subset
from ecg_assets.records.kaggle.subset_manifest import MANIFEST_NAME, VARIANTS, Wanted, write_zip
from ecg_assets.store.lock import only_writer
from ecg_assets.store.root import open_root


@click.command("download-subset")
@click.option(
    "--records", default=10, show_default=True, type=click.IntRange(1), help="Number of records, drawn with the seed."
)
@click.option(
    "--variant",
    "variants",
    multiple=True,
    default=DEFAULT_VARIANTS,
    show_default=True,
    type=click.Choice(VARIANTS),
    help="Image of each record; repeat for several.",
)
@click.option("--csv-only", is_flag=True, help="Only the signals, without images.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Seed of the random draw.")
@click.option("--zip", "packed", is_flag=True, help="Also pack all files into kaggle_subset.zip.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Output folder. By default scans/inbox/ in the data root, which the assets read.",
)
@click.option(
    "--competition", default=COMPETITION, show_default=True, help="Name of the competition in its URL on kaggle.com."
)
def download_subset_command(
    records: int,
    variants: tuple[str, ...],
    csv_only: bool,
    seed: int,
    packed: bool,
    out: Path | None,
    competition: str,
) -> None:
    """Download records of the Kaggle competition: signals, and real scans and photos.

    \b
    <id>/<id>.csv              12 leads in mV
    <id>/<id>-<variant>.png    0001 generated page; 0003, 0004 scan in colour, grey; 0005 photo of a print;
                               0006 photo of a screen; 0009, 0010 stained, damaged paper; 0011, 0012 mouldy scans
    kaggle_subset.json         the SHA-256 of each file, and the request

    The same seed draws the same records; a larger number keeps the first ones. Existing files are not downloaded again,
    and an interrupted download is continued. Credentials are those of the `kaggle` package: ~/.kaggle/access_token, or
    KAGGLE_API_TOKEN (an older kaggle.json also works); the competition's rules must be accepted once on its page.

    \b
    Examples:
      ecg-assets download-subset
      ecg-assets download-subset --records 50 --variant 0005 --variant 0009 --seed 3
      ecg-assets download-subset --csv-only --records 100 --out /tmp/signals --zip
    """
    folder = out or open_root().scans / "inbox"
    wanted = Wanted(competition=competition, records=records, variants=() if csv_only else variants, seed=seed)
    # For the inbox, the lock and the partial files are in the same place as for the asset.
    place = folder if out else folder.parent
    with only_writer(place, click.echo):
        folder.mkdir(parents=True, exist_ok=True)
        report = current_subset(wanted, folder)
        if report is None:
            report = download_subset(connect(competition, click.echo), wanted, folder, place / PARTS_NAME, click.echo)
        if packed:
            click.echo(f"Packed into {write_zip(folder, report.manifest)}")
    click.echo(f"{report.summary}; files are in {folder}, their hashes in {MANIFEST_NAME}")
