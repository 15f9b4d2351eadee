"""`ecg-assets bucket`."""

import click

from ecg_assets.store.bucket.units import GROUPS
from ecg_assets.store.bucket.working_copy import WorkingCopy, working_copy_around
from ecg_assets.store.root import open_root


class NoBucketError(ValueError):
    """The data root is a local folder."""


@click.group()
def bucket() -> None:
    """Pull, push and sweep a data root in a bucket (ECG_ASSETS_DATA=gs://bucket/prefix).

    Dagster runs do this automatically: each step pulls its inputs and pushes its results. These commands are for work
    in a shell, for example `ecg-assets train`, and for inspecting the files. The working copy is below
    ECG_ASSETS_CACHE (by default ~/.cache/ecg-assets); `ecg-assets status` shows it.

    \b
    Parts: ori_csv grids data dataset_grid_wave_mix runs champion scans; by default all.

    \b
    Examples:
      ecg-assets bucket pull champion      enough for `ecg-assets predict`
      ecg-assets bucket push runs          after `ecg-assets train`
      ecg-assets bucket sweep --yes        delete objects left by killed writers
    """


_parts = click.argument("parts", nargs=-1, type=click.Choice(GROUPS))


@bucket.command()
@_parts
def pull(parts: tuple[str, ...]) -> None:
    """Update the working copy from the bucket. Files changed only locally are kept."""
    from ecg_assets.store.bucket.pull import pull as pull_parts

    copy = _copy()
    changed = pull_parts(copy, parts or None, click.echo)
    click.echo(
        f"{len(changed)} parts pulled to {copy.path}" if changed else f"{copy.path} is up to date with the bucket"
    )


@bucket.command()
@_parts
def push(parts: tuple[str, ...]) -> None:
    """Upload local results. Newer uploads of other machines are never overwritten."""
    from ecg_assets.store.bucket.push import push as push_parts

    copy = _copy()
    put = push_parts(copy, parts or GROUPS, click.echo)
    click.echo(f"{len(put)} parts pushed to {copy.bucket.address}" if put else f"{copy.bucket.address} is up to date")


@bucket.command()
@click.option("--yes", is_flag=True, help="Delete the objects. Without it, they are only counted.")
def sweep(yes: bool) -> None:
    """Find objects that no manifest names and that are older than a day: leftovers of killed writers."""
    from ecg_assets.store.bucket.garbage import sweep as sweep_objects

    copy = _copy()
    found, size = sweep_objects(copy, yes)
    what = f"{found} objects, {size / 2**20:.1f} MiB"
    click.echo(f"Deleted {what}" if yes else f"{what} would be deleted: ecg-assets bucket sweep --yes")


def _copy() -> WorkingCopy:
    root = open_root()
    copy = working_copy_around(root.path, click.echo) if root.remote else None
    if copy is None:
        raise NoBucketError(f"the data root {root} is a local folder; set ECG_ASSETS_DATA=gs://bucket/prefix")
    return copy
