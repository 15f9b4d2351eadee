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
    """The folder, locally or in a bucket, that holds all files of the platform."""

    path: str = Field(
        default="",
        description="The data root: a folder or gs://bucket/prefix. Empty: the environment variable ECG_ASSETS_DATA, "
        "else `data_root` in the working directory.",
    )
    gcp_project: str = Field(
        default="",
        description="Google Cloud project for buckets. Empty: no project is set; reading and writing work without it.",
    )

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Configures access to buckets, records this run's process, and closes runs whose process has died.

        Every run opens the data root, and Dagster sets resources up before a step requests its pool slot, so dead runs
        are closed before they can block a new one.
        """
        use_gcs_resource(self.gcp_project or None)
        if context.instance is not None and context.log is not None:
            if context.run is not None and tells_processes(context.instance):
                note_worker(context.instance, context.run.run_id)
            reconcile_runs(context.instance, context.log.info)

    def open(self) -> DataRoot:
        """The data root, created if missing. For one in a bucket, files that this step needs are pulled first.

        Lost files of earlier steps are made again, so that a step can be executed alone or again.

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
        """Locks a folder for writing: if two runs select the same asset, the second waits for the first.

        For a data root in a bucket, files that the block wrote are pushed when it ends without an error.
        """
        with only_writer(folder, log):
            yield
            push_from(folder, log)
