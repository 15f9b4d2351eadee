"""`ecg-assets prune`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from ecg_assets.store.lock import only_writer
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.stages import stages_of
from ecg_assets.store.upkeep import temporaries, unreferenced

_SHOWN = 5


@click.command()
@click.option("--yes", is_flag=True, help="Delete them. Without it, they are only shown.")
def prune(yes: bool) -> None:
    """Find files that nothing refers to: rests of interrupted writes, of records long gone, of sources in a bucket.

    Of stages, what no manifest lists; of the champion, rests of interrupted writes; of sources that were fetched from a
    bucket, those that raw_csvs was not last asked for. Training runs and scans/inbox are never touched. What a run is
    writing in is waited for.

    \b
    Examples:
      ecg-assets prune          what there is to delete
      ecg-assets prune --yes    delete it
    """
    root, files, size = open_root(), 0, 0
    for name, folder, look in _places(root):
        if not folder.exists():
            continue
        with only_writer(folder, click.echo):
            found = look()
            bytes_each = [path.stat().st_size for path in found]
            if yes:
                for path in found:
                    path.unlink()
        files, size = files + len(found), size + sum(bytes_each)
        if found:
            click.echo(f"{name}: {len(found)} files, {sum(bytes_each) / 2**20:.1f} MiB")
            for path in found[:_SHOWN]:
                click.echo(f"  {root.relative(path)}")
            if len(found) > _SHOWN:
                click.echo(f"  and {len(found) - _SHOWN} more")
    if not files:
        click.echo("Nothing to prune: every file is referred to")
    elif yes:
        click.echo(f"Deleted {files} files, {size / 2**20:.1f} MiB")
    else:
        click.echo(f"{files} files, {size / 2**20:.1f} MiB, would be deleted: ecg-assets prune --yes")


def _places(root: DataRoot) -> list[tuple[str, Path, Callable[[], list[Path]]]]:
    """What is looked at, the folder whose lock a writer there holds, and how to find what nothing refers to."""
    from ecg_assets.records.unused import unused_fetched  # with pydantic models: half a second

    stages = [(stage.name, stage.folder, partial(unreferenced, stage, root)) for stage in stages_of(root)]
    return [
        *stages,
        ("champion", root.champion, partial(temporaries, root.champion)),
        ("sources in a bucket", root.ori_csv, partial(unused_fetched, root)),
    ]
