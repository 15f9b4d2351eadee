"""Starts a rebuild when records were added to the source, changed or removed."""

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
    """ECG_REBUILD_ON_NEW_RECORDS does not name a job."""


@dg.sensor(
    name="new_records",
    jobs=list(_JOBS.values()),
    default_status=dg.DefaultSensorStatus.STOPPED,
    minimum_interval_seconds=60,
    description="Watches ECG_SOURCE (a folder, gs://bucket/prefix, or a YAML list of them) and rebuilds the data when "
    "records are added, changed or removed. With ECG_REBUILD_ON_NEW_RECORDS=all it also trains.",
)
def new_records(context: dg.SensorEvaluationContext, data_root: DataRootResource) -> dg.SensorResult:
    """One run for each state of the source; the cursor holds a hash of its content and the number of runs requested."""
    root, job_name = data_root.open(), _job_name()
    seen = look_at(source_config(RawCsvsConfig()), _seen_before(root), context.log.info)
    if not seen:
        return dg.SensorResult(skip_reason="ECG_SOURCE is not set or holds no files")
    content, (before, number) = content_of(seen), _read(context.cursor)
    if content == before:
        # Remember the hashes of files that were touched but not changed.
        _note(root, seen)
        return dg.SensorResult(skip_reason=f"{len(seen)} files, none changed")
    if time.time() - newest_s(seen) < SETTLED_S:
        return dg.SensorResult(skip_reason=f"a file changed less than {SETTLED_S:g} s ago; waiting for further changes")
    _note(root, seen)
    # The number makes the key unique, so a source that returns to an earlier state gets a run too.
    request = dg.RunRequest(run_key=f"{number + 1}-{content}", job_name=job_name, tags={"ecg/source": content[:16]})
    cursor = json.dumps({"content": content, "number": number + 1})
    return dg.SensorResult(run_requests=[request], cursor=cursor)


def _job_name() -> str:
    """Name of the job that new records start.

    Raises:
        RebuildVariableError: the variable does not name a job.
    """
    named = os.environ.get(REBUILDS_VARIABLE) or "data"
    if named not in _JOBS:
        raise RebuildVariableError(f"{REBUILDS_VARIABLE} is {named!r}, expected data or all")
    return _JOBS[named].name


def _read(cursor: str | None) -> tuple[str | None, int]:
    """Content hash at the last requested run, and the number of requested runs."""
    if not cursor:
        return None, 0
    held = json.loads(cursor)
    return str(held["content"]), int(held["number"])


def _place(root: DataRoot) -> Path:
    return root.path / "source_listing.json"


def _seen_before(root: DataRoot) -> dict[str, Seen]:
    """Cached listing, which saves hashing; without it, or with one of another version, all files count as new."""
    path = _place(root)
    try:
        return _LISTING.validate_json(read_unsealed(path)) if path.exists() else {}
    except (ValidationError, SealBrokenError):
        return {}


def _note(root: DataRoot, seen: dict[str, Seen]) -> None:
    write_sealed_json(_place(root), {address: one.model_dump() for address, one in seen.items()})
