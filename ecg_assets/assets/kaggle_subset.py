"""Real images to try the champion on."""

import random
from pathlib import Path

import dagster as dg
import pandas as pd
from pydantic import Field

from ecg_assets.assets.metadata import told
from ecg_assets.resources.kaggle_client import CompetitionFiles, KaggleResource, KaggleUnavailableError
from ecg_assets.resources.storage import DataRootResource
from ecg_assets.store.fingerprint import fingerprint
from ecg_assets.store.stage import Log


class KaggleSubsetConfig(dg.Config):
    """Which images to download."""

    records: int = Field(default=10, ge=1, le=200, description="How many records, drawn by the seed.")
    variants: list[str] = Field(
        default=["0001", "0003", "0005"],
        description="Which images of each record: 0001 the generated page, 0003 / 0004 scans in colour / grey, 0005 "
        "photo of a print, 0006 of a screen, 0009 / 0010 stained / damaged paper, 0011 / 0012 mouldy scans. About "
        "10 MB each.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the draw.")


@dg.asset(group_name="scans", kinds={"png", "csv"})
def kaggle_subset(
    context: dg.AssetExecutionContext, config: KaggleSubsetConfig, data_root: DataRootResource, kaggle: KaggleResource
) -> dg.MaterializeResult[None]:
    """Real page images and their signals, downloaded from the competition into the inbox of scans."""
    inbox = data_root.open().scans / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    with data_root.writing(inbox.parent, context.log.info):
        problem = _download(kaggle, config, inbox, context.log.info)
    present = sorted(path.relative_to(inbox).as_posix() for path in inbox.rglob("*.*") if not path.name.startswith("."))
    summary = f"{len(present)} files in the inbox"
    metadata = told(summary, inbox, files=len(present))
    if problem is not None:
        # Without an account the rest of the platform works all the same: no reason for a red run.
        context.log.warning(f"nothing downloaded: {problem}")
        metadata |= {"summary": f"nothing downloaded; {summary}", "not_downloaded_because": problem}
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(fingerprint(present)))


def _download(kaggle: KaggleResource, config: KaggleSubsetConfig, inbox: Path, log: Log) -> str | None:
    """Downloads what the config asks for; returns what stopped it, if anything did."""
    try:
        client = kaggle.client()
        for record_id in _draw(kaggle, client, config, inbox.parent):
            for name in [f"{record_id}.csv", *(f"{record_id}-{variant}.png" for variant in config.variants)]:
                kaggle.fetch(client, f"train/{record_id}/{name}", inbox / record_id)
            log(f"kaggle_subset: record {record_id} is there")
    except KaggleUnavailableError as error:
        return str(error)
    return None


def _draw(kaggle: KaggleResource, client: CompetitionFiles, config: KaggleSubsetConfig, folder: Path) -> list[str]:
    listed = pd.read_csv(kaggle.fetch(client, "train.csv", folder), dtype=str)
    ids = sorted(listed["id"].tolist())
    return sorted(random.Random(config.seed).sample(ids, min(config.records, len(ids))))
