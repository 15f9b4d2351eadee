"""Buckets in Dagster: the client, pulls before a step, and pushes of checkpoints during training."""

import time
from pathlib import Path
from typing import Any

import dagster as dg

from ecg_assets.resources.restore import STAGES
from ecg_assets.store.bucket.client import use_client
from ecg_assets.store.bucket.push import SecondWriterError, push_run
from ecg_assets.store.bucket.retry import BucketError
from ecg_assets.store.bucket.session import pull_into
from ecg_assets.store.bucket.units import CHAMPION, DATASET, GRIDS, PAGES, RECORDS, RUNS, SCANS
from ecg_assets.store.bucket.working_copy import working_copy_around
from ecg_assets.store.log import Log
from ecg_assets.store.root import DataRoot

_TRAINING = (DATASET, RUNS)
# By op or asset: its own part of the data root, which holds its state, and the parts that it reads.
NEEDS: dict[str, tuple[str, ...]] = {
    "raw_csvs": (RECORDS,),
    "grids": (GRIDS,),
    "clean_grid": (GRIDS,),
    "grid_mask": (GRIDS,),
    "pages": (RECORDS, PAGES),
    "rendered_waves": (RECORDS, PAGES),
    "wave_masks": (RECORDS, PAGES),
    "mixed_dataset": (RECORDS, GRIDS, PAGES, DATASET),
    "prepare": _TRAINING,
    "launch": _TRAINING,
    "publish_checkpoint": _TRAINING,
    "trained_checkpoint": _TRAINING,
    "evaluation_report": (RECORDS, PAGES, DATASET, RUNS, CHAMPION),
    "champion": (DATASET, RUNS, CHAMPION),
    "kaggle_subset": (SCANS,),
    "scan_segmentations": (CHAMPION, SCANS),
    "scan_segmentations_scans_look_like_samples": (DATASET, SCANS),
    "digitized_signals": (CHAMPION, SCANS),
    "digitization_report": (RECORDS, CHAMPION, SCANS),
}
_PUSH_EVERY_S = 30.0


def use_gcs_resource(project: str | None) -> None:
    """Lets this process reach buckets through dagster-gcp's `GCSResource`."""

    def client() -> Any:
        from dagster_gcp import GCSResource  # takes 1 s, which runs without a bucket skip

        return GCSResource(project=project).get_client()

    use_client(client)


def pull_for_step(root: DataRoot) -> None:
    """Pulls the parts that the running step needs, or all parts if it is not in `NEEDS`.

    Does nothing outside a step, because sensors open the data root every minute.
    """
    context = _step() if root.remote is not None else None
    if context is None:
        return
    checked = [key.asset_key.to_user_string() for key in context.selected_asset_check_keys]
    names = [context.op_def.name] if context.op_def.name in NEEDS else checked
    known = bool(names) and all(name in NEEDS for name in names)
    groups = {group for name in names for group in NEEDS[name]} if known else None
    pull_into(root.path, groups, context.log.info)


def groups_before_step() -> tuple[set[str], Log] | None:
    """Parts that the running step reads and this run does not make, and its log; None outside a step."""
    context = _step()
    if context is None:
        return None
    own = context.op_def.name
    names = [own] if own in NEEDS else [key.asset_key.to_user_string() for key in context.selected_asset_check_keys]
    needed = {group for name in names for group in NEEDS.get(name, ())}
    chosen = context.run.step_keys_to_execute
    made = {
        group
        for group, stage in STAGES.items()
        if stage.step == own
        or (context.job_def.graph.has_node_named(stage.step) and (chosen is None or stage.step in chosen))
    }
    return needed - made, context.log.info


def _step() -> dg.OpExecutionContext | None:
    try:
        return dg.OpExecutionContext.get()
    except dg.DagsterInvariantViolationError:
        return None


class RunKeeper:
    """Pushes a run folder to the bucket after each new checkpoint, so that another machine can continue from it.

    Does nothing for a local data root.
    """

    def __init__(self, run_folder: Path, log: dg.DagsterLogManager) -> None:
        self._folder, self._log = run_folder, log
        self._copy = working_copy_around(run_folder, log.info)
        self._put: tuple[int, ...] = ()
        self._next_s = 0.0

    def look(self, at_once: bool = False) -> None:
        """Pushes a new checkpoint, at most every 30 s; an unreachable bucket is a warning.

        Args:
            at_once: ignore the 30 s.

        Raises:
            SecondWriterError: another machine trains the same experiment.
        """
        now = self._mark()
        if self._copy is None or now in ((), self._put) or (time.monotonic() < self._next_s and not at_once):
            return
        try:
            push_run(self._copy, self._folder.name, self._log.info)
            self._put = now
        except SecondWriterError:
            raise
        except BucketError as error:
            self._log.warning(f"the checkpoint is not in the bucket yet: {error}")
        self._next_s = time.monotonic() + _PUSH_EVERY_S

    def finish(self) -> None:
        """Pushes the final state.

        Raises:
            BucketError: the bucket cannot be written; the training is on this machine.
        """
        if self._copy is not None:
            push_run(self._copy, self._folder.name, self._log.info)

    def _mark(self) -> tuple[int, ...]:
        """Changes with every checkpoint; empty before the first."""
        paths = (self._folder / "state.json", self._folder / "checkpoints" / "last.safetensors")
        found = [path.stat() for path in paths if path.exists()]
        return tuple(number for each in found for number in (each.st_mtime_ns, each.st_ino, each.st_size))
