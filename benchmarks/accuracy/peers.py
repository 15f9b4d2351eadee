"""How well pages of another generator are read whose records are at hand as WFDB files.

    python -m benchmarks.accuracy.peers RENDERS RECORDS

RENDERS holds pages `<record>-<number>.png` of 3x4 leads with a strip of lead II, RECORDS the records' `<record>.hea`.
"""

from pathlib import Path

import click
import numpy as np

from ecg_assets.digitize.benchmark.rendered_pages import printed_signal
from ecg_assets.digitize.digitizer import Digitizer
from ecg_assets.digitize.scoring.snr import lead_powers, score_db, total
from ecg_assets.pages.layout.plan import plan_page
from ecg_assets.pages.style.style_mix import read_styles
from ecg_assets.records.record import Record
from ecg_assets.records.wfdb.record import Window, read_recording
from ecg_assets.scans.image import read_image

# Its layout says which seconds of a lead a page shows.
_STYLE = "kaggle"


@click.command(help=__doc__)
@click.argument("renders", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("records", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(renders: Path, records: Path) -> None:
    """Prints each page's score, its leads', and that of all pages."""
    reader, ratios = Digitizer.load(), []
    for header in sorted(records.glob("*.hea")):
        for page in sorted(renders.glob(f"{header.stem}-[0-9].png")):
            fs_hz, signal_mv = read_recording(header, Window())
            record = Record(header.stem, fs_hz, signal_mv.astype(np.float32))
            truth_mv = printed_signal(plan_page(record, _STYLE, read_styles().styles[_STYLE], 0), record)
            found = reader.digitize_image(read_image(page), fs_hz)
            powers = lead_powers(truth_mv, found.signal_mv, fs_hz)
            whole = total(powers.values())
            ratios.append(whole.ratio)
            leads = ", ".join(f"{lead} {power.db:.1f}" for lead, power in powers.items())
            click.echo(f"{page.name}: {whole.db:.1f} dB ({leads})")
    click.echo(f"{len(ratios)} pages: {score_db(ratios):.2f} dB")


if __name__ == "__main__":
    main()
