"""`ecg-assets prune`."""

import click

from ecg_assets.store.lock import only_writer
from ecg_assets.store.root import open_root
from ecg_assets.store.stages import stages_of
from ecg_assets.store.upkeep import unreferenced

_SHOWN = 5


@click.command()
@click.option("--yes", is_flag=True, help="Delete them. Without it, they are only shown.")
def prune(yes: bool) -> None:
    """Find files of the stages that no manifest refers to: rests of interrupted writes, and of records long gone.

    Training runs, the champion and scans/inbox are never touched. A stage that a run is writing in is waited for.

    \b
    Examples:
      ecg-assets prune          what there is to delete
      ecg-assets prune --yes    delete it
    """
    root, files, size = open_root(), 0, 0
    for stage in stages_of(root):
        if not stage.folder.exists():
            continue
        with only_writer(stage.folder, click.echo):
            found = unreferenced(stage, root)
            bytes_each = [path.stat().st_size for path in found]
            if yes:
                for path in found:
                    path.unlink()
        files, size = files + len(found), size + sum(bytes_each)
        if found:
            click.echo(f"{stage.name}: {len(found)} files, {sum(bytes_each) / 2**20:.1f} MiB")
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
