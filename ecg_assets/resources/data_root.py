"""The data root as a Dagster resource."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from ecg_assets.resources.gcs import groups_before_step, pull_for_step, use_gcs_resource
from ecg_assets.resources.reconcile import note_worker, reconcile_runs, tells_processes
from ecg_assets.resources.restore import restore
from ecg_assets.store.bucket.session import push_from
from ecg_assets.store.lock import only_writer
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot, open_root


class DataRootResource(dg.ConfigurableResource[Any]):
    """The folder, or place in a bucket, that holds everything the platform writes."""

    path: str = Field(
        default="",
        description="The data root: a folder or gs://bucket/prefix. Empty: the environment variable ECG_ASSETS_DATA, "
        "else `data_root` in the working directory.",
    )
    gcp_project: str = Field(
        default="",
        description="Google Cloud project for buckets. Empty: none is named, which reading and writing allow.",
    )

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Says how buckets are reached, notes by what this run's process is known, and closes runs whose is gone.

        Every run opens the data root, whatever is selected in it, and Dagster sets resources up before any step asks
        for its pool slot: so this is the place from which no dead run can block a new one.
        """
        use_gcs_resource(self.gcp_project or None)
        if context.instance is not None and context.log is not None:
            if context.run is not None and tells_processes(context.instance):
                note_worker(context.instance, context.run.run_id)
            reconcile_runs(context.instance, context.log.info)

    def open(self) -> DataRoot:
        """The data root, made when missing; of one in a bucket, what this step needs is pulled first.

        What earlier steps made and has been lost since is made again, so that a step can be run alone or again.

        Raises:
            DataRootError, BucketError: it cannot be used; the message says what to set.
        """
        root = open_root(self.path or None)
        pull_for_step(root)
        before = groups_before_step()
        if before is not None:
            groups, log = before
            restore(root, groups, self.writing, log)
        return root

    @contextmanager
    def writing(self, folder: Path, log: Log) -> Iterator[None]:
        """Two runs at once may select the same asset: the second waits here until the first has written it.

        Of a data root in a bucket, what the block has written is put there when it ends without an error.
        """
        with only_writer(folder, log):
            yield
            push_from(folder, log)
