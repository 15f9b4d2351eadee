"""Jobs, schedules and sensors: what they select, that they wait to be switched on, and that they need no config."""

import asyncio
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.freshness_evaluator import FRESHNESS_EVALUATORS_BY_POLICY_TYPE
from dagster._core.loader import LoadingContextForTest
from dagster._core.test_utils import freeze_time

from ecg_assets.definitions import definitions

SCANS = {"kaggle_subset", "scan_segmentations", "digitized_signals", "digitization_report"}
DATA = {"raw_csvs", "clean_grid", "grid_mask", "rendered_waves", "wave_masks", "mixed_dataset"}
TRAINING = {"trained_checkpoint", "evaluation_report", "champion"}


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return definitions().get_repository_def()


def selected(repository: dg.RepositoryDefinition, job: str) -> set[str]:
    return {key.to_user_string() for key in repository.get_job(job).asset_layer.selected_asset_keys}


def test_rebuild_all_is_everything_but_what_asks_the_network_or_the_inbox(repository: dg.RepositoryDefinition) -> None:
    everything = {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()}
    assert selected(repository, "rebuild_all") == everything - SCANS == DATA | TRAINING


def test_the_data_can_be_rebuilt_and_the_network_trained_by_themselves(repository: dg.RepositoryDefinition) -> None:
    assert selected(repository, "rebuild_data") == DATA
    assert selected(repository, "retrain") == TRAINING


def test_rebuild_all_runs_the_checks_too(repository: dg.RepositoryDefinition) -> None:
    job = repository.get_job("rebuild_all")
    checks = {key.name for key in job.asset_layer.asset_graph.asset_check_keys}
    assert "no_record_is_in_two_splits" in checks


@pytest.mark.parametrize(
    ("name", "job", "cron"),
    [("nightly_rebuild", "rebuild_all", "0 2 * * *"), ("weekly_retraining", "retrain", "0 4 * * 6")],
)
def test_a_schedule_asks_for_one_run_of_its_job(
    repository: dg.RepositoryDefinition, name: str, job: str, cron: str
) -> None:
    schedule = repository.get_schedule_def(name)
    assert (schedule.job_name, schedule.cron_schedule) == (job, cron)
    with dg.DagsterInstance.ephemeral() as instance, dg.build_schedule_context(instance=instance) as context:
        requests = schedule.evaluate_tick(context).run_requests
    assert requests is not None
    assert len(requests) == 1


def test_everything_that_starts_runs_by_itself_is_off_until_it_is_switched_on(
    repository: dg.RepositoryDefinition,
) -> None:
    assert {schedule.default_status.value for schedule in repository.schedule_defs} == {"STOPPED"}
    sensors = {sensor.name: sensor.default_status.value for sensor in repository.sensor_defs}
    # No other one: Dagster would add its own for assets whose condition no sensor targets, and that one too.
    assert sensors == dict.fromkeys(
        ("new_records", "data_follow_changes", "training_follows_data", "alert_on_failure"), "STOPPED"
    )


@pytest.mark.parametrize("job", ["rebuild_all", "rebuild_data", "retrain"])
def test_no_job_needs_run_config(repository: dg.RepositoryDefinition, job: str) -> None:
    assert dg.validate_run_config(repository.get_job(job), {})


def test_only_the_champion_is_expected_to_be_looked_at_in_time(repository: dg.RepositoryDefinition) -> None:
    graph = repository.asset_graph
    fresh = {key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).freshness_policy is not None}
    assert fresh == {"champion"}


def freshness_after(repository: dg.RepositoryDefinition, instance: dg.DagsterInstance, days: float) -> str:
    """What Dagster's own evaluator says of the champion so many days from now."""
    node = repository.asset_graph.get(dg.AssetKey("champion"))
    assert node.freshness_policy is not None
    evaluator = FRESHNESS_EVALUATORS_BY_POLICY_TYPE[type(node.freshness_policy)]()
    with freeze_time(datetime.now(UTC) + timedelta(days=days)):
        return asyncio.run(evaluator.evaluate_freshness(LoadingContextForTest(instance), node)).value


def test_the_champion_is_to_be_looked_at_again_within_two_weeks(repository: dg.RepositoryDefinition) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert freshness_after(repository, instance, 0) == "UNKNOWN"
        instance.report_runless_asset_event(dg.AssetMaterialization("champion"))
        told = {days: freshness_after(repository, instance, days) for days in (0, 7.9, 8.1, 13.9, 14.1)}
    assert told == {0: "PASS", 7.9: "PASS", 8.1: "WARN", 13.9: "WARN", 14.1: "FAIL"}
