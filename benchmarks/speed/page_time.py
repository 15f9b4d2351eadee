"""How long pictures take to be read, and how much memory: `python -m benchmarks.speed.page_time IMAGE...`.

Nothing else should run: by the clock, two cores are wanted to take 15 s a page. The networks are loaded before.
"""

import time
from pathlib import Path

import click

from benchmarks.peak import peak_mib
from ecg_assets.digitize.digitizer import Digitizer
from ecg_assets.scans.image import read_image


@click.command(help=__doc__)
@click.argument("images", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(images: tuple[Path, ...]) -> None:
    """Prints a line an image; the peak of memory is that of all until then."""
    reader = Digitizer.load()
    for path in images:
        begin_s, begin_cpu_s = time.perf_counter(), time.process_time()
        reader.digitize_image(read_image(path)).check_png()
        wall_s, cpu_s = time.perf_counter() - begin_s, time.process_time() - begin_cpu_s
        click.echo(f"{path.name}: {wall_s:.1f} s, {cpu_s:.1f} s of CPU, at most {peak_mib():.0f} MiB")


if __name__ == "__main__":
    main()
