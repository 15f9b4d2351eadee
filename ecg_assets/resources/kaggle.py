"""Dagster resource for a Kaggle competition; its config never holds credentials."""

from typing import Any

import dagster as dg
from pydantic import Field

from ecg_assets.records.kaggle.client import COMPETITION, Competition, connect
from ecg_assets.store.log import Log


class KaggleResource(dg.ConfigurableResource[Any]):
    """A Kaggle competition. Credentials come from the file or environment variables of the `kaggle` package."""

    competition: str = Field(default=COMPETITION, description="Name of the competition in its URL on kaggle.com.")

    def connect(self, log: Log) -> Competition:
        """An authenticated client.

        Raises:
            KaggleUnavailableError: there are no credentials; the message says how to get them.
        """
        return connect(self.competition, log)
