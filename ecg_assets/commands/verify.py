"""`ecg-assets verify`."""

import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import click

from ecg_assets.inspection.advice import advice_for
from ecg_assets.inspection.recorded_hashes import noted_elsewhere
from ecg_assets.inspection.state_files import state_files
from ecg_assets.store.plain_file import what_lies_at
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.stages.data_root_stages import stages_of
from ecg_assets.store.stages.integrity import Verdict, listed_files, verify_stage

_SHOWN = 5


@click.command()
def verify() -> None:
    """Read every file and compare it with the hash recorded when it was written.

    Checked are records and their index, pages, masks, samples, results of scans, downloaded scans, all checkpoints, and
    all state files: settings, manifests, states of runs, the champion and its history. Damaged files are listed with a
    remedy, and the exit code is 1.

    Logs, curves and reports of trainings are not checked. State files that an earlier version wrote without a hash are
    counted at the end.

    \b
    Example:
      ecg-assets verify
    """
    root = open_root(make=False)
    stages = [stage for stage in stages_of(root) if stage.folder.exists()]
    checkpoints = sorted(root.path.glob("*/**/*.safetensors"))
    verdicts, damaged, bare = 0, list[Verdict](), list[Verdict]()
    with click.progressbar(
        length=sum(map(listed_files, stages)) + len(checkpoints), label="Reading", file=sys.stderr
    ) as bar:
        of_stages = (verdict for stage in stages for verdict in verify_stage(stage, root))
        looked_at = chain(of_stages, _checkpoints(root, checkpoints), noted_elsewhere(root), state_files(root))
        for verdict in looked_at:
            bar.update(1)
            verdicts += 1
            damaged += [verdict] if verdict.damage is not None else []
            bare += [verdict] if verdict.damage is None and not verdict.covered else []
    for verdict in damaged:
        click.echo(f"{verdict.name} {verdict.damage}\n  {advice_for(verdict.name)}")
    _tell_bare(bare)
    if damaged:
        raise click.ClickException(
            f"{len(damaged)} of {verdicts} files are damaged; a remedy is shown below each. A run that failed at one "
            "can then be executed again from its failure"
        )
    click.echo(f"All {verdicts} files are undamaged: {root}")


def _tell_bare(verdicts: Sequence[Verdict]) -> None:
    """Reports files without a hash: damage in them is found only where they contradict other files."""
    if not verdicts:
        return
    shown = ", ".join(verdict.name for verdict in verdicts[:_SHOWN])
    more = f" and {len(verdicts) - _SHOWN} more" if len(verdicts) > _SHOWN else ""
    click.echo(
        f"{len(verdicts)} files were written by an earlier version without a hash and get one when they are written "
        f"next: {shown}{more}"
    )


def _checkpoints(root: DataRoot, paths: list[Path]) -> Iterator[Verdict]:
    if paths:
        from ecg_assets.training.checkpoints.hashed_safetensors import (  # imports torch: 1.4 s
            CheckpointError,
            read_sealed,
        )
    for path in paths:
        lies = what_lies_at(path)
        if lies:
            yield Verdict(root.relative(path), f"is {lies}, expected a file; move it away")
            continue
        try:
            read_sealed(path)
            damage = None
        except CheckpointError as error:
            said = str(error).removeprefix(f"{path} ")
            damage = said.rpartition("; ")[0] or said  # the advice is the same for all files
        yield Verdict(root.relative(path), damage)
