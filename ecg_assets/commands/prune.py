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
@click.option("--yes", is_flag=True, help="Delete what is shown. Without it, nothing is deleted.")
@click.option("--keep-runs", is_flag=True, help="Leave archived trainings aside.")
def prune(yes: bool, keep_runs: bool) -> None:
    """Find files that nothing refers to: rests of interrupted writes, of records long gone, of sources in a bucket, and
    trainings that gave way to others.

    Of stages, what no manifest lists; of the champion, rests of interrupted writes; of sources that were fetched from a
    bucket, those that raw_csvs was not last asked for; of trainings, those in runs/.archive/<experiment>/<time>/, which
    another config or dataset has replaced. Current runs and scans/inbox are never touched. What a run is writing in is
    waited for.

    \b
    Examples:
      ecg-assets prune                      what there is to delete
      ecg-assets prune --yes                delete it
      ecg-assets prune --yes --keep-runs    delete it, but for archived trainings
    """
    root = open_root(make=False)
    files, size = (0, 0) if keep_runs else _prune_runs(root, yes)
    for name, folder, look in _places(root):
        if folder.exists():
            pruned = _prune_files(root, name, folder, look, yes)
            files, size = files + pruned[0], size + pruned[1]
    if not files:
        click.echo("Nothing to prune: every file is referred to")
    elif yes:
        click.echo(f"Deleted {files} files, {size / 2**20:.1f} MiB")
    else:
        click.echo(f"{files} files, {size / 2**20:.1f} MiB, would be deleted: ecg-assets prune --yes")


def _prune_files(root: DataRoot, name: str, folder: Path, look: Callable[[], list[Path]], yes: bool) -> tuple[int, int]:
    """Shows what nothing refers to in one place, and deletes it when told; how many files, and their bytes."""
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
    """Shows archived trainings, here and in the bucket, and deletes them when told; how many files, and their bytes."""
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
    """What is looked at, the folder whose lock a writer there holds, and how to find what nothing refers to."""
    from ecg_assets.records.open_sources import unused_fetched  # with pydantic models: half a second

    stages = [(stage.name, stage.folder, partial(unreferenced, stage, root)) for stage in stages_of(root)]
    return [
        *stages,
        ("champion", root.champion, partial(temporaries, root.champion)),
        ("sources in a bucket", root.ori_csv, partial(unused_fetched, root)),
    ]
