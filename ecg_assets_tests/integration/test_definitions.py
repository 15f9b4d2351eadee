"""The code location loads cleanly, lightly, and shows what the design promises."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import dagster as dg
import pytest

from ecg_assets.definitions import definitions
from ecg_assets.digitize.version import reader_version
from ecg_assets.store.manifest import manifest_paths, read_manifest
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stages.provenance import read_made_from
from ecg_assets_tests.integration.live import CHECKOUT, environment, make_home

ASSETS = {
    "raw_csvs": set(),
    "clean_grid": set(),
    "grid_mask": set(),
    "rendered_waves": {"raw_csvs"},
    "wave_masks": {"raw_csvs"},
    "mixed_dataset": {"clean_grid", "grid_mask", "rendered_waves", "wave_masks"},
    "trained_checkpoint": {"mixed_dataset"},
    "evaluation_report": {"trained_checkpoint", "mixed_dataset"},
    "champion": {"evaluation_report", "trained_checkpoint", "mixed_dataset"},
    "kaggle_subset": set(),
    "scan_segmentations": {"champion", "kaggle_subset"},
    "digitized_signals": {"kaggle_subset"},
    "digitization_report": {"raw_csvs"},
}


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return definitions().get_repository_def()


def test_the_assets_and_their_lineage_are_those_of_the_design(repository: dg.RepositoryDefinition) -> None:
    graph = repository.asset_graph
    lineage = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }
    assert lineage == ASSETS


def test_every_asset_has_a_line_of_description_a_group_kinds_and_owners(repository: dg.RepositoryDefinition) -> None:
    for key in repository.asset_graph.get_all_asset_keys():
        node = repository.asset_graph.get(key)
        assert node.description, key
        assert "\n" not in node.description.strip(), key
        assert node.group_name != "default", key
        assert node.kinds, key
        assert node.owners, key


@pytest.mark.parametrize(
    ("folder", "assets"),
    [
        ("ori_csv", ["raw_csvs"]),
        ("grids", ["clean_grid", "grid_mask"]),
        ("data/wave_images", ["rendered_waves", "wave_masks"]),
        ("dataset_grid_wave_mix", ["mixed_dataset"]),
    ],
)
def test_an_asset_s_code_version_is_that_of_what_its_stage_makes_again(
    repository: dg.RepositoryDefinition, made_root: DataRoot, folder: str, assets: list[str]
) -> None:
    """Otherwise the lineage would call current what the next run makes anew."""
    manifests = [read_manifest(path) for path in manifest_paths(made_root.path / folder)]
    made_from = [read_made_from(manifest) for manifest in manifests if manifest is not None]
    versions = {parts.code_version for parts in made_from if parts is not None}
    assert {repository.asset_graph.get(dg.AssetKey(name)).code_version for name in assets} == versions


def test_a_new_version_of_segmenting_makes_segmentations_stale(repository: dg.RepositoryDefinition) -> None:
    from ecg_assets.scans.stage import CODE_VERSION

    assert repository.asset_graph.get(dg.AssetKey("scan_segmentations")).code_version == CODE_VERSION


@pytest.mark.parametrize("name", ["digitized_signals", "digitization_report"])
def test_a_new_version_of_reading_makes_what_was_read_stale(repository: dg.RepositoryDefinition, name: str) -> None:
    assert repository.asset_graph.get(dg.AssetKey(name)).code_version == reader_version()


def test_every_setting_has_a_description(repository: dg.RepositoryDefinition) -> None:
    without = []
    for key in repository.asset_graph.get_all_asset_keys():
        assets_def = repository.assets_defs_by_key[key]
        for op in assets_def.node_def.iterate_op_defs():
            fields = getattr(op.config_schema.config_type, "fields", None) or {}
            without += [f"{op.name}.{name}" for name, field in fields.items() if not field.description]
    for name, resource in repository.get_top_level_resources().items():
        fields = getattr(resource.config_schema.config_type, "fields", None) or {}
        without += [f"{name}.{setting}" for setting, field in fields.items() if not field.description]
    assert without == []


def test_the_launch_alone_holds_the_tpu_pool(repository: dg.RepositoryDefinition) -> None:
    pools = {
        op.name: op.pool
        for assets_def in set(repository.assets_defs_by_key.values())
        for op in assets_def.node_def.iterate_op_defs()
        if op.pool
    }
    assert pools == {"launch": "tpu"}


def test_dagster_definitions_validate_is_clean(tmp_path: Path) -> None:
    """As people run it, in the checkout, by workspace.yaml."""
    command = [str(Path(sys.executable).with_name("dagster")), "definitions", "validate"]
    variables = environment(make_home(tmp_path / "home"))
    done = subprocess.run(command, cwd=CHECKOUT, env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ecg_assets" in done.stdout + done.stderr
    # The command itself is superseded by one that needs another package.
    warned = [line for line in done.stderr.splitlines() if "Warning:" in line and "definitions_validate" not in line]
    assert warned == []


def test_the_code_server_imports_nothing_heavy() -> None:
    script = (
        "import json, sys; from ecg_assets.definitions import definitions; definitions().get_repository_def();"
        "print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=CHECKOUT, env=dict(os.environ), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
    # What ruff keeps out of the head of modules, and what is slow though they may import it.
    banned = settings["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-module-level-imports"]
    heavy = {*banned, "matplotlib", "kaggle", "pandas", "scipy", "wfdb", "google.cloud.storage", "ray"}
    assert {"torch", "torch_xla", "numba", "onnxruntime"} <= heavy
    assert heavy & set(json.loads(done.stdout)) == set()


def test_loading_gives_no_deprecation_or_supersession_warning(recwarn: pytest.WarningsRecorder) -> None:
    definitions().get_repository_def()
    found = [str(warning.message) for warning in recwarn if "eprecat" in str(warning.category)]
    assert found == []
