"""`ecg-assets bucket`."""

import click

from ecg_assets.store.bucket.units import GROUPS
from ecg_assets.store.bucket.working_copy import WorkingCopy, working_copy_around
from ecg_assets.store.root import open_root


class NoBucketError(ValueError):
    """The data root is a local folder."""


@click.group()
def bucket() -> None:
    """Pull, push and sweep a data root that lies in a bucket (ECG_ASSETS_DATA=gs://bucket/prefix).

    Runs of Dagster do this by themselves: each step pulls what it needs and puts what it has made. By hand it is for
    what is done in a shell, for example `ecg-assets train`, and for looking at the files. The working copy lies below
    ECG_ASSETS_CACHE (by default ~/.cache/ecg-assets); `ecg-assets status` shows it.

    \b
    Parts: ori_csv grids data dataset_grid_wave_mix runs champion scans; all of them when none is named.

    \b
    Examples:
      ecg-assets bucket pull champion      enough for `ecg-assets predict`
      ecg-assets bucket push runs          after `ecg-assets train`
      ecg-assets bucket sweep --yes        objects that killed writers left
    """


_parts = click.argument("parts", nargs=-1, type=click.Choice(GROUPS))


@bucket.command()
@_parts
def pull(parts: tuple[str, ...]) -> None:
    """Make the working copy equal to the bucket. What was changed here and not there stays."""
    from ecg_assets.store.bucket.pull import pull as pull_parts

    copy = _copy()
    changed = pull_parts(copy, parts or None, click.echo)
    click.echo(f"{len(changed)} parts pulled to {copy.path}" if changed else f"{copy.path} is as the bucket is")


@bucket.command()
@_parts
def push(parts: tuple[str, ...]) -> None:
    """Put what was made here. What somebody else has put in the meantime is never overwritten."""
    from ecg_assets.store.bucket.push import push as push_parts

    copy = _copy()
    put = push_parts(copy, parts or GROUPS, click.echo)
    click.echo(f"{len(put)} parts put to {copy.bucket.address}" if put else f"{copy.bucket.address} has all of it")


@bucket.command()
@click.option("--yes", is_flag=True, help="Delete them. Without it, they are only counted.")
def sweep(yes: bool) -> None:
    """Find objects that no manifest names and that are a day old: rests of writers that were killed."""
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
