"""State of each stage's shards: current, or stale with reasons."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from ecg_assets.inspection.inbox_states import digitization_states, segmentation_states
from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.shard import PageShard
from ecg_assets.pages.stage import plan_pages, plan_papers
from ecg_assets.records.index import IndexMissingError, read_index
from ecg_assets.records.ingest import RECORDS_VERSION, inputs_now
from ecg_assets.records.sources.config import SourceConfig
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.stage import MissingInputError, page_hashes, plan_samples, read_page_hashes
from ecg_assets.store.lock import only_writer
from ecg_assets.store.log import Log
from ecg_assets.store.manifest import Manifest
from ecg_assets.store.root import DataRoot
from ecg_assets.store.safe_yaml import YamlFileError, first_problem, read_yaml
from ecg_assets.store.stages.data_root_stages import Stage, stages_of
from ecg_assets.store.stages.provenance import read_settings
from ecg_assets.store.stages.staleness import Planned, ShardState, own_states, planned_states, told_records

PAPERS_STALE, PAGES_STALE = "clean_grid and grid_mask are stale", "rendered_waves of this shard is stale"


class SeenPages:
    """Hashes of pages, kept from reading the page manifests, for the plan of the samples."""

    def __init__(self, root: DataRoot) -> None:
        self._root = root
        self._hashes: dict[int, dict[str, str]] = {}

    def note(self, plan: Planned, manifest: Manifest) -> None:
        """Keeps the hashes of a complete shard of pages."""
        if isinstance(plan, PageShard):
            with suppress(MissingInputError):  # the plan of the samples reads and reports it again
                self._hashes[plan.shard] = page_hashes(self._root, manifest, plan.columns["id"])

    def hashes(self, root: DataRoot, shard: int, record_ids: list[str]) -> dict[str, str]:
        """As `read_page_hashes`, from kept hashes if they match."""
        noted = self._hashes.pop(shard, {})
        return noted if list(noted) == record_ids else read_page_hashes(root, shard, record_ids)


# By stage folder: the op in the run config, and the function that plans the stage from its config.
_PLANS: dict[str, tuple[str, Callable[[DataRoot, dict[str, Any], SeenPages], Sequence[Planned]]]] = {
    "grids": ("grids", lambda root, settings, _: plan_papers(root, PagesConfig(**settings))),
    "wave_images": ("pages", lambda root, settings, _: plan_pages(root, PagesConfig(**settings))),
    "dataset_grid_wave_mix": (
        "mixed_dataset",
        lambda root, settings, pages: plan_samples(root, SamplesConfig(**settings), pages.hashes),
    ),
}

PLANNED_OPS = {op for op, _ in _PLANS.values()}

# By stage folder: stages that process single images.
_OF_IMAGES: dict[str, Callable[[DataRoot, Path], list[ShardState]]] = {
    "segmentations": segmentation_states,
    "digitized": digitization_states,
}


class RunConfigError(click.ClickException):
    """The file is not a run config."""


@dataclass(frozen=True)
class StageState:
    """The state of one stage.

    Attributes:
        stage: the stage.
        shards: the state of each of its manifests.
        cannot_be_made: why the next run could not make it; None if it could.
    """

    stage: Stage
    shards: list[ShardState]
    cannot_be_made: str | None = None

    @property
    def stale(self) -> list[ShardState]:
        """Shards that the next run makes again."""
        return [shard for shard in self.shards if shard.reasons]


def read_run_config(path: Path | None) -> dict[str, dict[str, Any]]:
    """The config of each op in a YAML file as in the launchpad; empty without a file.

    Raises:
        RunConfigError: the file is not a run config.
    """
    if path is None:
        return {}
    try:
        ops = read_yaml(path)["ops"]
        return {str(name): dict(op["config"]) for name, op in ops.items()}
    except (YamlFileError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise RunConfigError(f"{path} is not a run config; expected ops: {{<op>: {{config: {{...}}}}}}") from error


def states_of(root: DataRoot, asked: dict[str, dict[str, Any]]) -> list[StageState]:
    """Every stage, in the order of the graph.

    Args:
        root: the data root, which is not changed; sources are not read.
        asked: configs of ops; for other ops, the config last used.

    Raises:
        ManifestError: a manifest cannot be read.
        RunConfigError: the config of an op is invalid.
    """
    pages = SeenPages(root)
    states = {stage.folder.name: _state(root, stage, asked, pages) for stage in stages_of(root)}
    states["dataset_grid_wave_mix"] = _after(
        states["dataset_grid_wave_mix"], states["grids"].stale, {shard.name for shard in states["wave_images"].stale}
    )
    return list(states.values())


def source_reasons(root: DataRoot, log: Log) -> list[str]:
    """Differences between sources and index; reads the sources in full, under the lock of the records.

    Raises:
        SourceError, ArchiveError: a source cannot be used.
    """
    settings = read_settings(root.ori_csv)
    if settings is None:
        return []
    index = read_index(root)
    before = dict(zip(index["id"].astype(str), index["input_sha256"].astype(str), strict=True))
    with only_writer(root.ori_csv, log):
        return told_records(before, inputs_now(root, SourceConfig.model_validate(settings), log))


def _state(root: DataRoot, stage: Stage, asked: dict[str, dict[str, Any]], pages: SeenPages) -> StageState:
    if stage.folder.name in _OF_IMAGES:
        return StageState(stage, _OF_IMAGES[stage.folder.name](root, stage.folder))
    if stage.folder.name not in _PLANS:
        # Records are planned from their source only, which is not read here.
        version = RECORDS_VERSION if stage.folder == root.ori_csv else None
        return StageState(stage, own_states(stage.folder, root.path, version))
    op, plan = _PLANS[stage.folder.name]
    settings = asked.get(op, read_settings(stage.folder) or {})
    try:
        planned = plan(root, settings, pages)
    except (IndexMissingError, MissingInputError) as error:
        return StageState(stage, own_states(stage.folder, root.path), str(error))
    except ValidationError as error:
        if op in asked:
            raise RunConfigError(f"the config of op {op} cannot be used: {first_problem(error)}; correct it") from error
        first = error.errors()[0]
        said = f"its config cannot be used: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        return StageState(stage, own_states(stage.folder, root.path), said)
    return StageState(stage, planned_states(stage.folder, root.path, planned, pages.note))


def _after(state: StageState, papers: list[ShardState], stale_pages: set[str]) -> StageState:
    """Marks samples as stale whose papers or pages are stale; they are made again unless these come out the same."""
    shards = []
    for shard in state.shards:
        reasons = [*shard.reasons, *([PAPERS_STALE] if papers else [])]
        shards.append(replace(shard, reasons=(*reasons, *([PAGES_STALE] if shard.name in stale_pages else []))))
    return replace(state, shards=shards)
