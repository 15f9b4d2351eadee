"""Automation conditions by data version: an upstream run with an unchanged result starts nothing."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import dagster as dg

# `eager()` would also fire when an upstream run produced identical bytes.
_CHANGED: Any = (  # Any: its own stubs refuse `since_last_handled` on what they combine
    dg.AutomationCondition.missing()
    | dg.AutomationCondition.code_version_changed()
    | dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())
)
FOLLOWS_ITS_INPUTS: dg.AutomationCondition[dg.AssetKey] = (
    _CHANGED.since_last_handled()
    & ~dg.AutomationCondition.in_progress()
    & ~dg.AutomationCondition.any_deps_missing()
    & dg.AutomationCondition.all_deps_blocking_checks_passed()
).with_label("an input or the code has changed")

# Downloads start only on request.
_BY_HAND = {dg.AssetKey("kaggle_subset")}
_CHAMPION = dg.AssetKey("champion")
_CHAMPION_FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=14), warn_window=timedelta(days=8))

CONDITION_SENSORS = (
    dg.AutomationConditionSensorDefinition(
        "data_follow_changes",
        target=dg.AssetSelection.groups("data"),
        default_status=dg.DefaultSensorStatus.STOPPED,
        minimum_interval_seconds=30,
        description="Rebuilds pages, masks and samples when records or code have changed.",
    ),
    dg.AutomationConditionSensorDefinition(
        "training_follows_data",
        target=dg.AssetSelection.all() - dg.AssetSelection.groups("data"),
        default_status=dg.DefaultSensorStatus.STOPPED,
        minimum_interval_seconds=30,
        description="Retrains, evaluates and processes the scans when the samples have changed. Training uses the "
        "whole accelerator: switch this on only where training may start at any time.",
    ),
)


def with_automation(assets: Iterable[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The assets with automation conditions; the champion also gets its freshness policy."""
    return list(dg.map_asset_specs(_automated, assets))


def _automated(spec: dg.AssetSpec) -> dg.AssetSpec:
    if spec.key in _BY_HAND:
        return spec
    automated = spec.replace_attributes(automation_condition=FOLLOWS_ITS_INPUTS)
    return automated.replace_attributes(freshness_policy=_CHAMPION_FRESH) if spec.key == _CHAMPION else automated
