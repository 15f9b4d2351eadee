"""`ecg-assets export-onnx`."""

from pathlib import Path

import click

from ecg_assets.store.overwriting import refuse_overwriting
from ecg_assets.store.root import DataRoot, open_root

_IMAGES = 8


@click.command("export-onnx")
@click.option(
    "--checkpoint",
    metavar="RUN_OR_FILE",
    help="Experiment in the data root (its best epoch), or a .safetensors file; by default the champion.",
)
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--overwrite", is_flag=True, help="Let OUT replace the checkpoint.")
def export_onnx(checkpoint: str | None, out: Path, overwrite: bool) -> None:
    """Export a trained network as the ONNX file OUT, which runs without torch.

    The number of images is free; height and width must be multiples of `multiple_px` in its metadata. The file is
    compared with the checkpoint on samples of the dataset, or on synthetic pages if there is no dataset, and kept only
    if both give the same class for 99.9 % of the pixels.

    Input: float32 RGB (tiles, 3, height, width) from -1 to 1. Output: class probabilities (tiles, classes, height,
    width). The metadata key `ecg_assets` holds the class names, `multiple_px` and the scale and offset of the input as
    JSON. Requires: pip install onnx onnxruntime

    \b
    Examples:
      ecg-assets export-onnx champion.onnx
      ecg-assets export-onnx --checkpoint grid_5class_run network.onnx
      ecg-assets export-onnx --checkpoint some/best.safetensors network.onnx
    """
    # Imports torch: 1.4 s.
    from ecg_assets.training.export.comparison_images import images_to_compare_on
    from ecg_assets.training.export.onnx_export import export_onnx as export

    root = open_root(make=False)
    weights = _chosen(root, checkpoint)
    if not overwrite:
        refuse_overwriting(out, [weights])
    exported = export(weights, out, images_to_compare_on(root, _IMAGES, click.echo), click.echo)
    size = f"tiles of {exported.card.tile_px} px" if exported.card.tile_px else "any size"
    click.echo(
        f"{out}: {weights} for {size}; same class as torch for {exported.agreement:.4%} of {exported.pixels:,} pixels"
    )


def _chosen(root: DataRoot, checkpoint: str | None) -> Path:
    from ecg_assets.training.evaluation.champion_store import champion_checkpoint
    from ecg_assets.training.runs.run_folder import RunFolder

    if checkpoint is None:
        path = champion_checkpoint(root)
        if not path.exists():
            raise click.UsageError(
                f"{path} does not exist: no champion yet; name an experiment or a file with --checkpoint"
            )
        return path
    if checkpoint.endswith(".safetensors"):
        if not Path(checkpoint).exists():
            raise click.UsageError(f"{checkpoint} does not exist")
        return Path(checkpoint)
    path = RunFolder(root.runs / checkpoint).best
    if not path.exists():
        known = ", ".join(sorted(config.parent.name for config in root.runs.glob("*/config.json"))) or "none yet"
        raise click.UsageError(f"{path} does not exist; experiments in this data root: {known}")
    return path
