"""Opens a data root in a bucket, and pulls and pushes its parts before and after a piece of work."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from ecg_assets.store.bucket.address import BucketAddress
from ecg_assets.store.bucket.client import BucketObjects
from ecg_assets.store.bucket.pull import pull
from ecg_assets.store.bucket.push import push
from ecg_assets.store.bucket.units import CHAMPION, RUNS, STORE, group_of
from ecg_assets.store.bucket.working_copy import WorkingCopy, attach, working_copy_around
from ecg_assets.store.log import Log


def _silent(_: str) -> None:
    """Discards log lines, because transfers of the small settings are not worth logging."""


@contextmanager
def settings_shared(folder: Path, address: BucketAddress) -> Iterator[None]:
    """Makes `folder` the working copy of an address; the block then reads the bucket's settings, or creates them.

    Raises:
        SecondWriterError: another machine has created the data root at the same time, with another number of shards.
        BucketError: the bucket cannot be read or written.
    """
    attach(folder, address)
    copy = WorkingCopy(folder, BucketObjects(address, _silent))
    pull(copy, [STORE], _silent)
    yield
    push(copy, [STORE], _silent)


def pull_into(folder: Path, groups: Collection[str] | None, log: Log) -> list[str]:
    """Pulls parts (None: all) of the data root around `folder`, if it is in a bucket; returns the changed units."""
    copy = working_copy_around(folder, log)
    return pull(copy, groups, log) if copy is not None else []


def push_from(folder: Path, log: Log) -> list[str]:
    """Pushes the part of the data root that contains `folder`, if it is in a bucket; returns names of pushed units.

    The champion's part includes the runs, because a run's report is written together with the promotion.
    """
    copy = working_copy_around(folder, log)
    if copy is None:
        return []
    group = group_of(folder.relative_to(copy.path).as_posix())
    return push(copy, (group, RUNS) if group == CHAMPION else (group,), log)
