"""The ECG records and their index."""

import os
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from ecg_assets.assets.metadata import drawn, table, told
from ecg_assets.records.index import ACCEPTED, QUARANTINED
from ecg_assets.records.ingest import RECORDS_VERSION, IngestReport, ingest
from ecg_assets.records.preview import rhythm_strips
from ecg_assets.records.sources.config import SourceConfig, SourceSpec
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.store.compute.pool import default_workers

if TYPE_CHECKING:
    import pandas as pd

SOURCE_VARIABLE, RECORDS_VARIABLE = "ECG_SOURCE", "ECG_RECORDS"
_REASONS_SHOWN, _STRIPS_SHOWN = 50, 4


def _as_in_the_library(name: str) -> Any:
    """A field of `SourceSpec`, which validates it: run config supports neither literals nor patterns."""
    field = SourceSpec.model_fields[name]
    return Field(default=field.default, description=field.description)


class OneSource(dg.Config):
    """One source of records."""

    kind: str = _as_in_the_library("kind")
    path: str = _as_in_the_library("path")
    name: str | None = _as_in_the_library("name")
    licence: str | None = _as_in_the_library("licence")
    records: int | None = _as_in_the_library("records")
    mix: str | None = _as_in_the_library("mix")
    window_start_s: float = _as_in_the_library("window_start_s")
    checksums: bool = _as_in_the_library("checksums")


class RawCsvsConfig(dg.Config):
    """Sources of records."""

    source: str | None = Field(
        default=None,
        description="Folder or gs://bucket/prefix with train.csv and either train-csvs.tar.gz or train/<id>/<id>.csv, "
        "or with WFDB recordings (.hea); or a YAML file with a list `sources`. By default the environment variable "
        "ECG_SOURCE; if that is empty too, synthetic records are generated.",
    )
    sources: list[OneSource] = Field(default=[], description="Several sources, instead of `source` and ECG_SOURCE.")
    records: int | None = Field(
        default=None,
        ge=1,
        description="Maximum number of records, drawn with the seed, or number of synthetic records. By default the "
        "environment variable ECG_RECORDS; if that is empty, all records of the source or 24 synthetic ones.",
    )
    seed: int = Field(default=0, ge=0, description="Seed of the random draw and of synthetic records.")


class RecordsVariableError(ValueError):
    """ECG_RECORDS is not a number of records."""


def source_config(config: RawCsvsConfig) -> SourceConfig:
    """The library's config; fields that are not set are taken from the environment.

    Raises:
        RecordsVariableError: ECG_RECORDS is not a whole number of 1 or more.
        pydantic.ValidationError: a field of a source has an invalid value.
    """
    if config.sources:
        specs = tuple(SourceSpec(**one.model_dump()) for one in config.sources)
        records = config.records if config.records is not None else _records_from_environment()
        return SourceConfig(source=config.source or "", sources=specs, records=records, seed=config.seed)
    source = config.source if config.source is not None else os.environ.get(SOURCE_VARIABLE, "")
    records = config.records if config.records is not None else _records_from_environment()
    if source or records is None:
        return SourceConfig(source=source, records=records, seed=config.seed)
    return SourceConfig(synthetic_records=records, seed=config.seed)


def _records_from_environment() -> int | None:
    text = os.environ.get(RECORDS_VARIABLE, "").strip()
    if not text:
        return None
    if not text.isdigit() or int(text) < 1:
        raise RecordsVariableError(f"{RECORDS_VARIABLE} is {text!r}, expected a whole number of 1 or more, or nothing")
    return int(text)


@dg.asset(group_name="data", kinds={"csv", "parquet"}, code_version=RECORDS_VERSION)
def raw_csvs(
    context: dg.AssetExecutionContext, config: RawCsvsConfig, data_root: DataRootResource
) -> dg.MaterializeResult[None]:
    """12-lead CSVs of the records, and their index: each record is accepted, or quarantined with a reason."""
    root = data_root.open()
    with data_root.writing(root.ori_csv, context.log.info):
        report = ingest(root, source_config(config), context.log.info, default_workers())
    refused = sum(report.quarantined.values())
    summary = f"{report.accepted} records accepted, {refused} quarantined"
    # Reasons for missing records come first: people look for them.
    why = {"quarantined_by": report.quarantined, "reasons": _reasons(report)} if refused else {}
    notes = {"noted_by": report.noted, "notes": _notes(report)} if report.noted else {}
    metadata = told(
        summary,
        root.ori_csv,
        picture=drawn(root, "raw_csvs", "lead II of four records", report.digest, rhythm_strips, root, _STRIPS_SHOWN),
        **why,
        **notes,
        accepted=report.accepted,
        quarantined=refused,
        made=report.accepted - report.reused,
        skipped=report.reused,
        by_sampling_rate=_counts(report, "fs_hz"),
        by_split=_counts(report, "split"),
        by_source=_counts(report, "source"),
        by_licence=_counts(report, "licence"),
    )
    return dg.MaterializeResult(metadata=metadata, data_version=dg.DataVersion(report.digest))


def _counts(report: IngestReport, column: str) -> dict[str, int]:
    counts = report.index[column].dropna().value_counts().sort_index()
    return {str(int(key) if isinstance(key, float) else key): int(count) for key, count in counts.items()}


def _reasons(report: IngestReport) -> dg.MetadataValue:
    return _told(report.index[report.index["status"] == QUARANTINED])


def _notes(report: IngestReport) -> dg.MetadataValue:
    """Notes on accepted records."""
    return _told(report.index[(report.index["status"] == ACCEPTED) & report.index["code"].notna()])


def _told(rows: "pd.DataFrame") -> dg.MetadataValue:
    return table(rows.head(_REASONS_SHOWN)[["id", "code", "reason"]].to_dict("records"))
