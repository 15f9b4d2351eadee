"""`ecg-assets demote`."""

import click

from ecg_assets.store.lock import only_writer
from ecg_assets.store.root import open_root


@click.command()
def demote() -> None:
    """Restore the previous champion.

    The champion is the checkpoint that reads real images. A new checkpoint replaces it if, on the test split, its Dice
    of the wave is better and no other class is worse by more than 0.005. Scores do not show everything: if the overlays
    of the new champion look worse, demote it. A demoted checkpoint is not promoted again; later trainings can be.

    Only one step back is possible; champion/history.jsonl holds every decision. Segment images again afterwards:
    materialise scan_segmentations.

    \b
    Example:
      ecg-assets demote
    """
    from ecg_assets.training.evaluation.champion import demote as put_previous_back

    root = open_root(make=False)
    with only_writer(root.champion, click.echo):
        put_previous_back(root, click.echo)
