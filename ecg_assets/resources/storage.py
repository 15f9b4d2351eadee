"""The data root as a Dagster resource."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from ecg_assets.resources.reconcile import reconcile_runs
from ecg_assets.store.lock import only_writer
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.stage import Log


class DataRootResource(dg.ConfigurableResource[Any]):
    """The folder that holds everything the platform writes."""

    path: str = Field(
        default="",
        description="The data root. Empty: the environment variable ECG_ASSETS_DATA, else `data_root` in the working "
        "directory.",
    )

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Closes runs whose process is gone.

        Every run opens the data root, whatever is selected in it, and Dagster sets resources up before any step asks
        for its pool slot: so this is the place from which no dead run can block a new one.
        """
        if context.instance is not None and context.log is not None:
            reconcile_runs(context.instance, context.log.info)

    def open(self) -> DataRoot:
        """The data root, made when missing.

        Raises:
            DataRootError: it cannot be used; the message says what to set.
        """
        return open_root(self.path or None)

    @contextmanager
    def writing(self, folder: Path, log: Log) -> Iterator[None]:
        """Two runs at once may select the same asset: the second waits here until the first has written it."""
        with only_writer(folder, log):
            yield
