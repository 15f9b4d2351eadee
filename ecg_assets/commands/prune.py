"""`ecg-assets prune`."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from ecg_assets.store.lock import check_locks, only_writer
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.stages.data_root_stages import stages_of
from ecg_assets.store.stages.integrity import temporaries, unreferenced

_SHOWN = 5


@click.command()
@click.option("--yes", is_flag=True, help="Delete the listed files. Without it, they are only listed.")
@click.option("--keep-runs", is_flag=True, help="Keep archived trainings.")
def prune(yes: bool, keep_runs: bool) -> None:
    """Find unreferenced files: leftovers of interrupted writes and removed records, and replaced trainings.

    These are: files of stages that no manifest lists; leftovers of interrupted writes of the champion; sources fetched
    from a bucket that the last raw_csvs did not use; trainings in runs/.archive/<experiment>/<time>/, which another
    config or dataset has replaced. Current runs and scans/inbox are never changed. The command waits for runs that are
    writing.

    \b
    Examples:
      ecg-assets prune                      list the files
      ecg-assets prune --yes                delete them
      ecg-assets prune --yes --keep-runs    delete them, except archived trainings
    """
    root = open_root(make=False)
    files, size = (0, 0) if keep_runs else _prune_runs(root, yes)
    for name, folder, look in _places(root):
        if folder.exists():
            pruned = _prune_files(root, name, folder, look, yes)
            files, size = files + pruned[0], size + pruned[1]
    if not files:
        click.echo("Nothing to prune: every file is referenced")
    elif yes:
        click.echo(f"Deleted {files} files, {size / 2**20:.1f} MiB")
    else:
        click.echo(f"{files} files, {size / 2**20:.1f} MiB, would be deleted: ecg-assets prune --yes")


def _prune_files(root: DataRoot, name: str, folder: Path, look: Callable[[], list[Path]], yes: bool) -> tuple[int, int]:
    """Lists unreferenced files in one place and deletes them if `yes`; returns their number and bytes."""
    with only_writer(folder, click.echo):
        found = look()
        bytes_each = [path.stat().st_size for path in found]
        if yes:
            check_locks()
            for path in found:
                path.unlink()
    if found:
        click.echo(f"{name}: {len(found)} files, {sum(bytes_each) / 2**20:.1f} MiB")
        for path in found[:_SHOWN]:
            click.echo(f"  {root.relative(path)}")
        if len(found) > _SHOWN:
            click.echo(f"  and {len(found) - _SHOWN} more")
    return len(found), sum(bytes_each)


def _prune_runs(root: DataRoot, yes: bool) -> tuple[int, int]:
    """Lists archived trainings, local and in the bucket, and deletes them if `yes`; returns number and bytes."""
    from ecg_assets.store.bucket.push import archived_units, delete_archived
    from ecg_assets.store.bucket.working_copy import working_copy_around
    from ecg_assets.training.runs.prepare import archived_runs

    files, size = 0, 0
    for folder in archived_runs(root):
        with only_writer(root.runs / ".locks" / folder.parent.name, click.echo):
            bytes_each = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
            if yes:
                check_locks()
                shutil.rmtree(folder)
        files, size = files + len(bytes_each), size + sum(bytes_each)
        click.echo(
            f"archived training: {root.relative(folder)}, {len(bytes_each)} files, {sum(bytes_each) / 2**20:.1f} MiB"
        )
    copy = working_copy_around(root.path, click.echo) if root.remote is not None else None
    if copy is None:
        return files, size
    for name, held in archived_units(copy).items():
        click.echo(f"archived training in {copy.bucket.address}: {name}, {held / 2**20:.1f} MiB")
        if yes:
            delete_archived(copy, name)
        files, size = files + 1, size + held
    return files, size


def _places(root: DataRoot) -> list[tuple[str, Path, Callable[[], list[Path]]]]:
    """Name of each place, the folder whose lock its writers hold, and a function that finds unreferenced files."""
    from ecg_assets.records.open_sources import unused_fetched  # with pydantic models: half a second

    stages = [(stage.name, stage.folder, partial(unreferenced, stage, root)) for stage in stages_of(root)]
    return [
        *stages,
        ("champion", root.champion, partial(temporaries, root.champion)),
        ("sources in a bucket", root.ori_csv, partial(unused_fetched, root)),
    ]
