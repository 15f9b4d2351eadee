"""The rebuild of everything, and the schedule that waits to be switched on."""

import dagster as dg
import pytest

from ecg_assets.definitions import definitions


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return definitions().get_repository_def()


def test_rebuild_all_is_everything_but_what_asks_the_network_or_the_inbox(repository: dg.RepositoryDefinition) -> None:
    job = repository.get_job("rebuild_all")
    selected = {key.to_user_string() for key in job.asset_layer.selected_asset_keys}
    everything = {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()}
    assert everything - selected == {"kaggle_subset", "scan_segmentations"}


def test_rebuild_all_runs_the_checks_too(repository: dg.RepositoryDefinition) -> None:
    job = repository.get_job("rebuild_all")
    checks = {key.name for key in job.asset_layer.asset_graph.asset_check_keys}
    assert "no_record_is_in_two_splits" in checks


def test_nightly_is_there_stopped_and_asks_for_one_run_of_rebuild_all(repository: dg.RepositoryDefinition) -> None:
    schedule = repository.get_schedule_def("nightly")
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.job_name == "rebuild_all"
    with dg.DagsterInstance.ephemeral() as instance, dg.build_schedule_context(instance=instance) as context:
        requests = schedule.evaluate_tick(context).run_requests
    assert requests is not None
    assert len(requests) == 1


def test_rebuild_all_needs_no_run_config(repository: dg.RepositoryDefinition) -> None:
    assert dg.validate_run_config(repository.get_job("rebuild_all"), {})
