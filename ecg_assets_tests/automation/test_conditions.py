"""Which assets follow a change by themselves: by data version, behind passed checks, evaluated by Dagster itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest

from ecg_assets.definitions import definitions


@dataclass
class Platform:
    """An instance in which materialisations are only reported, and the conditions' cursor."""

    instance: dg.DagsterInstance
    defs: dg.Definitions = field(default_factory=definitions)
    cursor: Any = None

    def asset_keys(self) -> list[dg.AssetKey]:
        """All assets, each after what it is made from."""
        return list(self.defs.resolve_asset_graph().toposorted_asset_keys)

    def report(self, key: str, version: str, sound: bool = True) -> None:
        """A materialisation with this data version, and its checks."""
        tags = {"dagster/data_version": version}
        self.instance.report_runless_asset_event(dg.AssetMaterialization(dg.AssetKey(key), tags=tags))
        entry = self.instance.get_latest_materialization_event(dg.AssetKey(key))
        assert entry is not None
        for check in self.defs.resolve_asset_graph().get_check_keys_for_assets({dg.AssetKey(key)}):
            said = dg.AssetCheckEvaluation(check_name=check.name, asset_key=check.asset_key, passed=sound, metadata={})
            self.instance.report_runless_asset_event(said)

    def requested(self) -> set[str]:
        """What the conditions ask for in this tick."""
        result = dg.evaluate_automation_conditions(defs=self.defs, instance=self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        return {key.to_user_string() for key in self.asset_keys() if result.get_num_requested(key)}


@pytest.fixture
def platform() -> Iterator[Platform]:
    """Everything is there, and two ticks have gone by."""
    with dg.DagsterInstance.ephemeral() as instance:
        made = Platform(instance)
        for key in made.asset_keys():
            made.report(key.to_user_string(), "first")
        made.requested()
        assert made.requested() == set()
        yield made


def test_a_new_data_version_asks_for_what_is_made_from_it_and_for_nothing_else(platform: Platform) -> None:
    platform.report("raw_csvs", "second")
    assert platform.requested() == {"rendered_waves", "wave_masks", "digitization_report"}
    assert platform.requested() == set()
    platform.report("rendered_waves", "second")
    platform.report("wave_masks", "first")
    assert platform.requested() == {"mixed_dataset"}


def test_the_same_bytes_made_again_ask_for_nothing(platform: Platform) -> None:
    for key in ("raw_csvs", "rendered_waves", "wave_masks", "mixed_dataset"):
        platform.report(key, "first")
    assert platform.requested() == set()


def test_another_code_version_asks_for_its_own_asset(platform: Platform) -> None:
    def changed(spec: dg.AssetSpec) -> dg.AssetSpec:
        segments = spec.key == dg.AssetKey("scan_segmentations")
        return spec.replace_attributes(code_version=f"{spec.code_version} and more") if segments else spec

    platform.defs = platform.defs.map_asset_specs(func=changed)
    assert platform.requested() == {"scan_segmentations"}
    assert platform.requested() == set()


def test_an_input_whose_blocking_check_failed_asks_for_nothing(platform: Platform) -> None:
    platform.report("raw_csvs", "second", sound=False)
    assert platform.requested() == set()


def test_new_pictures_from_the_competition_are_only_downloaded_by_hand_but_read_by_themselves(
    platform: Platform,
) -> None:
    platform.report("kaggle_subset", "second")
    assert platform.requested() == {"scan_segmentations", "digitized_signals"}


def test_what_was_never_made_does_not_start_when_the_sensor_is_switched_on() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert Platform(instance).requested() == set()


def test_every_condition_is_evaluated_by_one_of_the_two_sensors() -> None:
    repository = definitions().get_repository_def()
    graph = repository.asset_graph
    targets = [
        sensor.asset_selection.resolve(graph)
        for sensor in repository.sensor_defs
        if isinstance(sensor, dg.AutomationConditionSensorDefinition)
    ]
    assert len(targets) == 2
    assert not targets[0] & targets[1]
    conditioned = {key for key in graph.get_all_asset_keys() if graph.get(key).automation_condition is not None}
    assert conditioned <= targets[0] | targets[1]
