"""`ecg-assets predict`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import track

from ecg_assets.store.atomic import write_bytes
from ecg_assets.store.fingerprint import sha256_file
from ecg_assets.store.plain_file import open_plain
from ecg_assets.store.root import open_root

if TYPE_CHECKING:
    from ecg_assets.scans.segment import Segmenter


@click.command()
@click.argument("images", nargs=-1, required=True)
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the results.")
@click.option(
    "--checkpoint",
    metavar="RUN_OR_FILE",
    help="Experiment in the data root (its best epoch), a .safetensors file, or `champion` for the data root's "
    "champion; by default the weights in the package.",
)
@click.option(
    "--onnx",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Network written by export-onnx, instead of a checkpoint; it does not need torch.",
)
@click.option("--overwrite", is_flag=True, help="Replace existing files, even inputs and results of other images.")
def predict(images: tuple[str, ...], out: Path, checkpoint: str | None, onnx: Path | None, overwrite: bool) -> None:
    """Segment grid and waveform in scans and photos of paper ECGs.

    IMAGES are files, folders or patterns. For each image, in its original size and orientation:

    \b
    <stem>_mask.png      classes as grey values: 0 background, 1 horizontal line, 2 vertical line,
                         3 their crossing, 4 wave
    <stem>_overlay.png   the classes over the image: horizontal red, vertical blue, crossings yellow, wave green
    <stem>.json          pixels per mm, rotation, class shares, confidence

    The page may be rotated by any multiple of 90 degrees; the scale is measured from its grid. A file that cannot be
    read is reported, and the others continue. Results replace earlier results of the same image; an image whose results
    would replace any other file is refused. This is a research tool, not a medical device.

    \b
    Examples:
      ecg-assets predict photo.jpg --out results
      ecg-assets predict scans/ 'more/*.png' --out results --checkpoint grid_5class_run
      ecg-assets predict scans/ --out results --onnx network.onnx
    """
    # Importing torch takes seconds; wrong arguments are reported before it.
    from ecg_assets.scans.image_names import refuse_unfit_name, shown_name
    from ecg_assets.scans.image_paths import images_named
    from ecg_assets.scans.outputs import outputs_of, segmented
    from ecg_assets.scans.refusal import refusal_text
    from ecg_assets.scans.result_guard import PICTURE_SHA256, ResultGuard

    if checkpoint is not None and onnx is not None:
        raise click.UsageError("--checkpoint and --onnx exclude each other")
    paths = images_named(images)
    weights = onnx or _checkpoint(checkpoint)
    segmenter, sha256 = _loaded(weights, is_onnx=onnx is not None), sha256_file(weights)
    outputs = outputs_of(out, [path.name for path in paths])
    guard = ResultGuard(paths, "class_shares", overwrite)
    console, failed = Console(), 0
    bar = track(paths, "Reading", console=console, disable=not console.is_terminal)
    for number, path in enumerate(bar, start=1):
        places = outputs[path.name]
        try:
            refuse_unfit_name(path.name)
            open_plain(path).close()
            guard.claim(path, places.paths, places.info)
            noted = {PICTURE_SHA256: sha256_file(path)}
            for place, content in segmented(segmenter, path, places, sha256, **noted).items():
                write_bytes(place, content)
        except Exception as error:  # one failing image must not stop the others
            failed += 1
            click.echo(f"Refused: {refusal_text(error, str(path))}", err=True)
            continue
        if not console.is_terminal:
            click.echo(f"{shown_name(path.name)} ({number} of {len(paths)})")
    click.echo(f"{len(paths) - failed} of {len(paths)} images read; results are in {out}")
    if failed:
        sys.exit(1)


def _checkpoint(named: str | None) -> Path:
    from ecg_assets.training.evaluation.champion_store import champion_checkpoint
    from ecg_assets.training.runs.run_folder import RunFolder
    from ecg_assets.weights import SEGMENTATION, weights_path

    if named is None:
        return weights_path(SEGMENTATION)
    if Path(named).suffix == ".safetensors":
        return Path(named)
    root = open_root(make=False)
    return champion_checkpoint(root) if named == "champion" else RunFolder(root.runs / named).best


def _loaded(weights: Path, is_onnx: bool) -> "Segmenter":
    from ecg_assets.scans.segment import Segmenter

    return Segmenter.load_onnx(weights) if is_onnx else Segmenter.load(weights)
