"""`ecg-assets status`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

if TYPE_CHECKING:
    from ecg_assets.inspection.stage_states import StageState

_SHARDS_SHOWN = 8
_WIDE = 400


@click.command()
@click.option("--source", is_flag=True, help="Compare with the sources of records too; reads all of their files.")
@click.option(
    "--config",
    "run_config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Run config (YAML, as in the launchpad): show what a run with it would make again.",
)
def status(source: bool, run_config: Path | None) -> None:
    """Show the content of the data root and what is stale: stages, shards, experiments, unfinished runs.

    A shard is current if it is complete, its files exist, and code version, config and records are unchanged.
    Otherwise the reason is shown below it, and the next run makes it again. Stages are compared with the config that
    was last used.

    \b
    Examples:
      ecg-assets status
      ecg-assets status --source                 show new, changed and removed records
      ecg-assets status --config more_styles.yaml
      ECG_ASSETS_DATA=/big/disk/ecg ecg-assets status
    """
    from ecg_assets.inspection.experiment_states import experiment_states  # with pandas: half a second
    from ecg_assets.inspection.stage_states import RunConfigError, read_run_config, source_reasons, states_of
    from ecg_assets.store.root import open_root

    asked = read_run_config(run_config)
    _refuse_unknown(run_config, set(asked))
    root = open_root(make=False)
    try:
        states = states_of(root, asked)
    except RunConfigError as error:
        raise RunConfigError(f"{run_config}: {error}") from error
    tree = Tree(escape(f"Data root: {root} ({root.shards} shards)"))
    for state in states:
        branch = tree.add(escape(_headline(state)))
        if state.stage.folder == root.ori_csv and source and root.index.exists():
            for reason in source_reasons(root, _progress) or ["no new, changed or removed records"]:
                branch.add(escape(f"source: {reason}"))
        for line in _reasons(state):
            branch.add(escape(line))
    experiments = tree.add("experiments")
    for name, reasons in experiment_states(root).items():
        branch = experiments.add(escape(name))
        for reason in reasons:
            branch.add(escape(reason))
    # In a file or a pipe, lines are not cut off.
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
    console.print(tree, highlight=False)
    if "DAGSTER_HOME" in os.environ:
        from ecg_assets.demo import unfinished_runs  # imports Dagster: 2 s

        for line in unfinished_runs():
            click.echo(line)


def _refuse_unknown(path: Path | None, ops: set[str]) -> None:
    from ecg_assets.inspection.stage_states import PLANNED_OPS, RunConfigError

    if ops <= PLANNED_OPS:
        return
    from ecg_assets.definitions import definitions  # imports Dagster: 2 s

    known = set(definitions().resolve_implicit_global_asset_job_def().graph.node_dict)
    if not ops <= known:
        raise RunConfigError(
            f"{path}: unknown op {sorted(ops - known)[0]!r}; expected some of {', '.join(sorted(known))}"
        )


def _progress(line: str) -> None:
    click.echo(line, err=True)  # the tree alone is the output


def _headline(state: "StageState") -> str:
    stale, shards = len(state.stale), len(state.shards)
    files = sum(shard.files for shard in state.shards)
    if not files:
        said = "not made yet"
    elif stale:
        said = f"{stale} of {shards} stale, {files} files"
    else:
        said = f"current, {files} files"
    return f"{state.stage.name}: {said}, in {_short(state.stage.folder)}"


def _reasons(state: "StageState") -> list[str]:
    """A line per reason, with its shards; empty for a stage that was never made."""
    lines = [state.cannot_be_made] if state.cannot_be_made is not None else []
    if not any(shard.files for shard in state.shards):
        return lines
    shared: dict[str, list[str]] = {}
    for shard in state.shards:
        for reason in shard.reasons:
            shared.setdefault(reason, []).append(shard.name)
    return [*lines, *(f"{_few(names, len(state.shards))}: {reason}" for reason, names in shared.items())]


def _few(names: list[str], total: int) -> str:
    if len(names) == total > 1:
        return f"all {total}"
    return ", ".join(names[:_SHARDS_SHOWN]) + (
        f" and {len(names) - _SHARDS_SHOWN} more" if len(names) > _SHARDS_SHOWN else ""
    )


def _short(path: Path) -> str:
    """Relative to the working directory when it is below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
