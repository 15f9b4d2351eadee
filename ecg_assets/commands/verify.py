"""`ecg-assets verify`."""

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import click

from ecg_assets.inspection.advice import advice_for
from ecg_assets.inspection.recorded_hashes import noted_elsewhere
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.store.stages.data_root_stages import stages_of
from ecg_assets.store.stages.integrity import Verdict, listed_files, verify_stage


@click.command()
def verify() -> None:
    """Read every file again and compare it with the hash that was noted when it was made.

    Records and their index, pages, masks, samples, results of scans, downloaded scans, and all checkpoints. What is
    damaged is named, with what to do, and the command ends with code 1.

    \b
    Example:
      ecg-assets verify
    """
    root = open_root()
    stages = [stage for stage in stages_of(root) if stage.folder.exists()]
    checkpoints = sorted(root.path.glob("*/**/*.safetensors"))
    total, damaged = 0, list[Verdict]()
    with click.progressbar(
        length=sum(map(listed_files, stages)) + len(checkpoints), label="Reading", file=sys.stderr
    ) as bar:
        of_stages = (verdict for stage in stages for verdict in verify_stage(stage, root))
        for verdict in chain(of_stages, _checkpoints(root, checkpoints), noted_elsewhere(root)):
            bar.update(1)
            total += 1
            if verdict.damage is not None:
                damaged.append(verdict)
    for verdict in damaged:
        click.echo(f"{verdict.name} {verdict.damage}\n  {advice_for(verdict.name)}")
    if damaged:
        raise click.ClickException(
            f"{len(damaged)} of {total} files are damaged; below each stands what helps. A run that failed at one can "
            "then be executed again from its failure"
        )
    click.echo(f"All {total} files are as they were made: {root}")


def _checkpoints(root: DataRoot, paths: list[Path]) -> Iterator[Verdict]:
    if paths:
        from ecg_assets.training.checkpoints.hashed_safetensors import (  # imports torch: 1.4 s
            CheckpointError,
            read_sealed,
        )
    for path in paths:
        try:
            read_sealed(path)
            damage = None
        except CheckpointError as error:
            said = str(error).removeprefix(f"{path} ")
            damage = said.rpartition("; ")[0] or said  # what to do is said for all files alike
        yield Verdict(root.relative(path), damage)
