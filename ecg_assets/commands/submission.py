"""`ecg-assets submission`."""

from pathlib import Path

import click


@click.command()
@click.argument("test_csv", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("predictions", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--images", is_flag=True, help="PREDICTIONS holds images <id>.png, which are digitised first.")
@click.option("--layout", default="auto", show_default=True, help="With --images: the layout of the pages.")
@click.option("--overwrite", is_flag=True, help="Let OUT replace TEST_CSV or a file of PREDICTIONS.")
def submission(test_csv: Path, predictions: Path, out: Path, images: bool, layout: str, overwrite: bool) -> None:
    """Write the competition's submission from digitised records.

    TEST_CSV is the competition's table id,lead,fs,number_of_rows; PREDICTIONS is a folder of <id>.csv as written by
    `digitize`, or of <id>.png with --images. OUT is a Parquet file with one row per sample, id = {id}_{sample}_{lead}
    and value in mV, in the order of TEST_CSV. It is read back and checked.

    The samples of a lead start where its column of the competition's page begins. Samples that were not read are 0 mV,
    and their number is reported. Records with another sampling rate are resampled.

    \b
    Examples:
      ecg-assets submission test.csv results/ submission.parquet
      ecg-assets submission test.csv test/ submission.parquet --images
    """
    from ecg_assets.digitize.digitizer import load_reader
    from ecg_assets.digitize.submission.sources import csv_signals, image_signals
    from ecg_assets.digitize.submission.test_table import read_test_table
    from ecg_assets.digitize.submission.write import FILLED_WITH_MV, write_submission
    from ecg_assets.store.overwriting import refuse_overwriting

    if not overwrite:
        refuse_overwriting(out, [test_csv, predictions])
    wanted = read_test_table(test_csv)
    if images:
        signals = image_signals(predictions, load_reader(), layout, click.echo)
    else:
        signals = csv_signals(predictions, click.echo)
    done = write_submission(wanted, signals, out, click.echo)
    click.echo(f"{out}: {done.rows:,} rows of {len({one.record_id for one in wanted})} records, read back and complete")
    if done.filled:
        click.echo(
            f"{done.filled:,} samples ({done.filled / done.rows:.1%}) were not read and are {FILLED_WITH_MV:g} mV; "
            f"{len(done.without_signal)} records have no signal at all"
        )
