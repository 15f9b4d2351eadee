"""The competition's files on Kaggle, as a Dagster resource; credentials are never in its config."""

from typing import Any

import dagster as dg
from pydantic import Field

from ecg_assets.records.kaggle.client import COMPETITION, Competition, connect
from ecg_assets.store.log import Log


class KaggleResource(dg.ConfigurableResource[Any]):
    """One competition; the credentials are those of the `kaggle` package: its file, or environment variables."""

    competition: str = Field(default=COMPETITION, description="The competition's name in its address on kaggle.com.")

    def connect(self, log: Log) -> Competition:
        """An authenticated client.

        Raises:
            KaggleUnavailableError: there are no credentials; the message says how to get them.
        """
        return connect(self.competition, log)
