"""Starts a rebuild when the source of records holds something new, something else, or less."""

import json
import os
import time
from pathlib import Path

import dagster as dg
from pydantic import TypeAdapter, ValidationError

from ecg_assets.assets.records import RawCsvsConfig, source_config
from ecg_assets.automation.jobs import rebuild_all, rebuild_data
from ecg_assets.records.sources.snapshot import Seen, content_of, look_at, newest_s
from ecg_assets.resources.data_root import DataRootResource
from ecg_assets.store.root import DataRoot
from ecg_assets.store.sealed import SealBrokenError, read_unsealed, write_sealed_json

REBUILDS_VARIABLE = "ECG_REBUILD_ON_NEW_RECORDS"
SETTLED_S = 30.0
_JOBS = {"data": rebuild_data, "all": rebuild_all}
_LISTING = TypeAdapter(dict[str, Seen])


class RebuildVariableError(ValueError):
    """ECG_REBUILD_ON_NEW_RECORDS names no job."""


@dg.sensor(
    name="new_records",
    jobs=list(_JOBS.values()),
    default_status=dg.DefaultSensorStatus.STOPPED,
    minimum_interval_seconds=60,
    description="Looks at ECG_SOURCE (a folder, gs://bucket/prefix, or a YAML list of them) and rebuilds the data when "
    "records are new, changed or gone; everything, training too, with ECG_REBUILD_ON_NEW_RECORDS=all.",
)
def new_records(context: dg.SensorEvaluationContext, data_root: DataRootResource) -> dg.SensorResult:
    """One run for each content of the source; the cursor holds that content's hash and how many there were before."""
    root, job_name = data_root.open(), _job_name()
    seen = look_at(source_config(RawCsvsConfig()), _seen_before(root), context.log.info)
    if not seen:
        return dg.SensorResult(skip_reason="ECG_SOURCE is not set or holds no files: there is nothing to watch")
    content, (before, number) = content_of(seen), _read(context.cursor)
    if content == before:
        # What was touched and not changed was hashed for it, which need not be done again.
        _note(root, seen)
        return dg.SensorResult(skip_reason=f"{len(seen)} files are as they were")
    if time.time() - newest_s(seen) < SETTLED_S:
        return dg.SensorResult(skip_reason=f"a file was changed less than {SETTLED_S:g} s ago: more may be coming")
    _note(root, seen)
    # With the number, a source that is put back to what it was gets its run too.
    request = dg.RunRequest(run_key=f"{number + 1}-{content}", job_name=job_name, tags={"ecg/source": content[:16]})
    cursor = json.dumps({"content": content, "number": number + 1})
    return dg.SensorResult(run_requests=[request], cursor=cursor)


def _job_name() -> str:
    """Of the job that new records start.

    Raises:
        RebuildVariableError: the variable names none.
    """
    named = os.environ.get(REBUILDS_VARIABLE) or "data"
    if named not in _JOBS:
        raise RebuildVariableError(f"{REBUILDS_VARIABLE} is {named!r}, expected data or all")
    return _JOBS[named].name


def _read(cursor: str | None) -> tuple[str | None, int]:
    """The content of the source when the last run was asked for, and how many were."""
    if not cursor:
        return None, 0
    held = json.loads(cursor)
    return str(held["content"]), int(held["number"])


def _place(root: DataRoot) -> Path:
    return root.path / "source_listing.json"


def _seen_before(root: DataRoot) -> dict[str, Seen]:
    """Only spares hashing: where it is lost or of another version, files count as seen for the first time."""
    path = _place(root)
    try:
        return _LISTING.validate_json(read_unsealed(path)) if path.exists() else {}
    except (ValidationError, SealBrokenError):
        return {}


def _note(root: DataRoot, seen: dict[str, Seen]) -> None:
    write_sealed_json(_place(root), {address: one.model_dump() for address, one in seen.items()})
