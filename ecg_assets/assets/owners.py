"""Asset owners, shown in the catalog and found by its search, for example `owner:"team:ecg-training"`."""

from collections.abc import Iterable

import dagster as dg

# By group. Dagster takes `team:<name>` or an e-mail address.
OWNERS = {"data": ["team:ecg-records"], "training": ["team:ecg-training"], "scans": ["team:ecg-reading"]}


def with_owners(assets: Iterable[dg.AssetsDefinition]) -> list[dg.AssetsDefinition]:
    """The assets with their group's owners.

    Raises:
        KeyError: a group has no owners.
    """
    return list(dg.map_asset_specs(_owned, assets))


def _owned(spec: dg.AssetSpec) -> dg.AssetSpec:
    return spec.replace_attributes(owners=OWNERS[str(spec.group_name)])
