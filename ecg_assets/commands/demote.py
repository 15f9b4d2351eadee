"""`ecg-assets demote`."""

import click

from ecg_assets.store.lock import only_writer
from ecg_assets.store.root import open_root


@click.command()
def demote() -> None:
    """Put the previous champion back.

    The champion is the checkpoint that reads real images. A new one takes its place when it is better on the wave's
    Dice and on no other class worse by more than 0.005, on the test split. Scores do not show everything: when its
    overlays look worse, demote it. The demoted checkpoint is not promoted again; the next training is.

    One champion back can be gone; every decision stands in champion/history.jsonl. Segment images again afterwards:
    materialise scan_segmentations.

    \b
    Example:
      ecg-assets demote
    """
    from ecg_assets.training.evaluation.champion import demote as put_previous_back

    root = open_root(make=False)
    with only_writer(root.champion, click.echo):
        put_previous_back(root, click.echo)
