"""One run of all assets in this process, recorded in DAGSTER_HOME."""

import os
import warnings as warnings_module
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from ecg_assets.definitions import ASSETS, definitions
from ecg_assets.resources.reconcile import worker_mark


class DagsterHomeError(ValueError):
    """DAGSTER_HOME cannot be used; the message says what to set."""


# The demo trains for minutes only, on clean pages of one style. Runs from the UI use all styles.
_DEMO_STYLE = {"config": {"styles": "kaggle"}}
DEMO_CONFIG: dict[str, dict[str, dict[str, Any]]] = {
    "grids": _DEMO_STYLE,
    "pages": _DEMO_STYLE,
    "mixed_dataset": {"config": {"recipes": {"clean": 1.0}}},
    "digitization_report": {"config": {"records": 1, "recipes": ["clean"]}},
}


@dataclass(frozen=True)
class Made:
    """One asset of a finished run."""

    asset: str
    summary: str
    where: Path


@dataclass(frozen=True)
class Outcome:
    """Results of a run: assets made, failed checks, and failed steps, one line each."""

    run_id: str
    made: list[Made]
    warnings: list[str]
    failures: list[str]


def materialize_everything() -> Outcome:
    """Materialises all assets in one run.

    Raises:
        DagsterHomeError: DAGSTER_HOME is not set, or is not an absolute path of a folder.
    """
    # Beta and preview interfaces of Dagster are used because there are no others.
    for category in (dg.BetaWarning, dg.PreviewWarning):
        warnings_module.filterwarnings("ignore", category=category)
    job = definitions().resolve_implicit_global_asset_job_def()
    with open_instance() as instance:
        config = {"loggers": {"console": {}}, "ops": DEMO_CONFIG}
        result = job.execute_in_process(run_config=config, instance=instance, raise_on_error=False)
        failures = [_failure(event) for event in result.all_events if event.is_step_failure]
        keys = [key for assets in ASSETS for key in sorted(assets.keys)]
        made = [made for key in keys if (made := _made(instance, key, result.run_id))]
        warnings = [_warning(check) for check in result.get_asset_check_evaluations() if not check.passed]
    if not result.success and not failures:
        failures = ["the run failed; see its log for the reason"]
    return Outcome(result.run_id, made, warnings, failures)


def open_instance() -> dg.DagsterInstance:
    """The instance of DAGSTER_HOME.

    Raises:
        DagsterHomeError: DAGSTER_HOME is not set, or is not an absolute path of a folder.
    """
    dagster_home()
    return dg.DagsterInstance.get()


def dagster_home() -> Path:
    """The folder that DAGSTER_HOME names.

    Raises:
        DagsterHomeError: DAGSTER_HOME is not set, or is not an absolute path of a folder.
    """
    home = os.environ.get("DAGSTER_HOME", "")
    if not home or not Path(home).is_absolute() or not Path(home).is_dir():
        raise DagsterHomeError(
            f"DAGSTER_HOME is {home!r}, expected the absolute path of a folder: `make demo` and `make ui` set it, or "
            "run: mkdir -p dagster_home; export DAGSTER_HOME=$PWD/dagster_home"
        )
    return Path(home)


def unfinished_runs() -> list[str]:
    """A line per unfinished run, with whether its process is alive."""
    statuses = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    lines = []
    with open_instance() as instance:
        for run in instance.get_runs(filters=dg.RunsFilter(statuses=statuses)):
            mark = worker_mark(instance, run.run_id)
            if mark is None or mark.alive():
                lines.append(f"Run {run.run_id} is {run.status.value}")
            else:
                lines.append(f"Run {run.run_id} is {run.status.value}, its process is gone; the next run closes it")
    return lines


def _warning(check: dg.AssetCheckEvaluation) -> str:
    return f"{check.asset_key.to_user_string()}: {check.description or check.check_name}"


def _failure(event: dg.DagsterEvent) -> str:
    """The step and the first line of the innermost error, without its class name."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    text = error.message if error is not None else event.message or ""
    name, _, message = text.strip().partition(": ")
    if error is not None and name.endswith(error.cls_name or " "):
        text = message
    return f"{event.step_key}: {text.strip().splitlines()[0] if text.strip() else 'see the log'}"


def _made(instance: dg.DagsterInstance, key: dg.AssetKey, run_id: str) -> Made | None:
    event = instance.get_latest_materialization_event(key)
    if event is None or event.run_id != run_id or event.asset_materialization is None:
        return None
    metadata = event.asset_materialization.metadata
    return Made(key.to_user_string(), str(metadata["summary"].value), Path(str(metadata["where"].value)))
