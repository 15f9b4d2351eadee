"""Each stage's shards as the next run would find them: current, or stale and why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic import ValidationError

from ecg_assets.pages.config import PagesConfig
from ecg_assets.pages.stage import plan_pages, plan_papers
from ecg_assets.records.index import IndexMissingError, read_index
from ecg_assets.records.ingest import RECORDS_VERSION, inputs_now
from ecg_assets.records.source_config import SourceConfig
from ecg_assets.samples.config import SamplesConfig
from ecg_assets.samples.stage import MissingInputError, plan_samples
from ecg_assets.store.lock import only_writer
from ecg_assets.store.made_from import read_made_from, read_settings
from ecg_assets.store.root import DataRoot
from ecg_assets.store.stage import Log
from ecg_assets.store.stages import Stage, stages_of
from ecg_assets.store.staleness import Planned, ShardState, own_states, planned_states, told_records

PAPERS_STALE, PAGES_STALE = "clean_grid and grid_mask are stale", "rendered_waves of this shard is stale"

# The op in the run config, and how its config makes the plan, by the stage's folder below the data root.
_PLANS: dict[str, tuple[str, Callable[[DataRoot, dict[str, Any]], Sequence[Planned]]]] = {
    "grids": ("grids", lambda root, settings: plan_papers(root, PagesConfig(**settings))),
    "wave_images": ("pages", lambda root, settings: plan_pages(root, PagesConfig(**settings))),
    "dataset_grid_wave_mix": ("mixed_dataset", lambda root, settings: plan_samples(root, SamplesConfig(**settings))),
}


class RunConfigError(click.ClickException):
    """The file is no run config."""


@dataclass(frozen=True)
class StageState:
    """One stage.

    Attributes:
        stage: which.
        shards: the state of each of its manifests.
        cannot_be_made: why the next run could not make it as things are; None when it could.
    """

    stage: Stage
    shards: list[ShardState]
    cannot_be_made: str | None = None

    @property
    def stale(self) -> list[ShardState]:
        """Those that the next run makes again."""
        return [shard for shard in self.shards if shard.reasons]


def read_run_config(path: Path | None) -> dict[str, dict[str, Any]]:
    """By op, its config, of a YAML file as the launchpad holds it; nothing without a file.

    Raises:
        RunConfigError: the file is something else.
    """
    if path is None:
        return {}
    try:
        ops = yaml.safe_load(path.read_text("utf-8"))["ops"]
        return {str(name): dict(op["config"]) for name, op in ops.items()}
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise RunConfigError(f"{path} is no run config; expected ops: {{<op>: {{config: {{...}}}}}}") from error


def states_of(root: DataRoot, asked: dict[str, dict[str, Any]]) -> list[StageState]:
    """Every stage, in the order of the graph.

    Args:
        root: the data root; nothing of it is changed, and no source is looked at.
        asked: configs of ops; for the others, what they were last asked for.

    Raises:
        ManifestError: a manifest cannot be read.
    """
    states = {stage.folder.name: _state(root, stage, asked) for stage in stages_of(root)}
    states["ori_csv"] = _with_code_version(root, states["ori_csv"])
    states["dataset_grid_wave_mix"] = _after(
        states["dataset_grid_wave_mix"], states["grids"].stale, {shard.name for shard in states["wave_images"].stale}
    )
    return list(states.values())


def source_reasons(root: DataRoot, log: Log) -> list[str]:
    """How the sources differ from the index; reads them in full, under the lock of the records.

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


def _state(root: DataRoot, stage: Stage, asked: dict[str, dict[str, Any]]) -> StageState:
    if stage.folder.name not in _PLANS:
        return StageState(stage, own_states(stage.folder, root.path))
    op, plan = _PLANS[stage.folder.name]
    settings = asked.get(op, read_settings(stage.folder) or {})
    try:
        planned = plan(root, settings)
    except (IndexMissingError, MissingInputError) as error:
        return StageState(stage, own_states(stage.folder, root.path), str(error))
    except ValidationError as error:
        first = error.errors()[0]
        said = f"its config cannot be used: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        return StageState(stage, own_states(stage.folder, root.path), said)
    return StageState(stage, planned_states(stage.folder, root.path, planned))


def _with_code_version(root: DataRoot, state: StageState) -> StageState:
    """Records are planned from their source alone, which is not looked at here."""
    manifests = list(state.stage.manifests())
    made_from = read_made_from(manifests[0]) if manifests else None
    if made_from is None or made_from.code_version == RECORDS_VERSION:
        return state
    reason = f"code version {made_from.code_version} is now {RECORDS_VERSION}"
    return replace(state, shards=[replace(one, reasons=(*one.reasons, reason)) for one in state.shards])


def _after(state: StageState, papers: list[ShardState], stale_pages: set[str]) -> StageState:
    """What is made from something stale will be made again with it, unless it comes out the same."""
    shards = []
    for shard in state.shards:
        reasons = [*shard.reasons, *([PAPERS_STALE] if papers else [])]
        shards.append(replace(shard, reasons=(*reasons, *([PAGES_STALE] if shard.name in stale_pages else []))))
    return replace(state, shards=shards)
