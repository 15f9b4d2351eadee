"""Runs the trainer in its own process group, reports its events, and ends all of its processes."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from pydantic import Field

from ecg_assets.resources.gcs import RunKeeper
from ecg_assets.resources.observations import observe
from ecg_assets.resources.pipes_trainer import LAUNCHER_VARIABLE
from ecg_assets.resources.stopped_run import told_where_it_stopped, where_it_stopped
from ecg_assets.store.log import Log
from ecg_assets.training.launch.preflight import preflight
from ecg_assets.training.launch.process_record import PROCESS_FILE, TOKEN_VARIABLE, clear_left_processes, note_launch
from ecg_assets.training.launch.processes import end_group
from ecg_assets.training.runs.events import read_events
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.stop_point import seconds_to_stop

TRAINER_MODULE = "ecg_assets.resources.pipes_trainer"
STOPPED = 75  # exit code of a trainer that was stopped; importing it would import torch


class PipesTrainerClient(dg.ConfigurableResource[Any], dg.PipesClient):
    """Runs the trainer in its own process group, which reports log lines, epochs and pictures to the run.

    It is also a resource, because Dagster takes a bare subclass of `PipesClient` in an op's arguments for an asset.
    """

    grace_s: float = Field(
        default=30.0,
        ge=0,
        description="Seconds that a cancelled trainer has to save its checkpoint before it is killed, in addition to "
        "the duration of two of its slowest steps.",
    )
    poll_s: float = Field(
        default=0.5, gt=0, description="Seconds between checks for events and the end of the trainer."
    )
    trainer_module: str = Field(
        default=TRAINER_MODULE, description="Python module of the trainer, run with the run folder as its argument."
    )

    def run(  # type: ignore[override]
        self,
        *,
        context: dg.OpExecutionContext,
        run_folder: Path,
        asset_key: dg.AssetKey,
        extras: dict[str, Any] | None = None,
    ) -> dg.PipesClientCompletedInvocation:
        """Runs the trainer to its end; each epoch becomes an observation of `asset_key` while it runs.

        Args:
            context: context of the op.
            run_folder: the prepared run folder.
            asset_key: asset that epochs and pictures are observations of.
            extras: extras for the trainer's Pipes context.

        Raises:
            dg.Failure: the trainer ended with an error; its log lines are above in the run's log.
            AlreadyTrainingError: another process is training in `run_folder`.
            AcceleratorBusyError: another process is on the TPU.
            TpuEnvironmentError: the environment contradicts the chips or itself; the message says what to set.
            BucketError: the bucket of the data root cannot be written at the end, or another machine trains the same
                experiment in it.
        """
        clear_left_processes(run_folder, self.grace_s, context.log.info)
        preflight(run_folder, self.grace_s, context.log.info)
        shown, keeper = 0, RunKeeper(run_folder, context.log)
        with (
            told_where_it_stopped(run_folder),
            dg.open_pipes_session(
                context=context,
                extras=extras,
                context_injector=dg.PipesTempFileContextInjector(),
                message_reader=dg.PipesTempFileMessageReader(),
            ) as session,
        ):
            environment = trainer_environment(context.log.info) | dict(session.get_bootstrap_env_vars())
            try:
                with self._trainer(run_folder, environment, context.log.info) as trainer:
                    while trainer.poll() is None:
                        time.sleep(self.poll_s)
                        shown = observe(context, session, asset_key, run_folder, shown)
                        keeper.look()
            except DagsterExecutionInterruptedError:
                keeper.look(at_once=True)
                raise
        # Leaving the session reads the trainer's last messages to their end.
        observe(context, session, asset_key, run_folder, shown)
        if trainer.returncode != 0:
            keeper.look(at_once=True)
            raise dg.Failure(_exit_text(trainer.returncode, run_folder))
        keeper.finish()
        return dg.PipesClientCompletedInvocation(session)

    @contextmanager
    def _trainer(self, run_folder: Path, environment: dict[str, str], log: Log) -> Iterator["subprocess.Popen[bytes]"]:
        """The trainer's process; its whole process group has ended on leaving the context."""
        command = [sys.executable, "-u", "-m", self.trainer_module, str(run_folder)]
        token = uuid.uuid4().hex
        environment = environment | {TOKEN_VARIABLE: token}
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
        record = run_folder / PROCESS_FILE
        try:
            note_launch(run_folder, process.pid, token)
            log(f"trainer started: process group {process.pid}, run folder {run_folder}")
            yield process
        finally:
            grace_s = self.grace_s + seconds_to_stop(run_folder)
            if process.poll() is None:
                log(
                    f"the trainer was asked to save and stop, and has up to {grace_s:.0f} s to finish its steps; "
                    "terminate the run again to kill it at once"
                )
            try:
                if end_group(process.pid, grace_s):
                    log(f"trainer: process group {process.pid} did not end within {grace_s:.0f} s and was killed")
            finally:
                process.wait()
                record.unlink(missing_ok=True)


def trainer_environment(log: Log) -> dict[str, str]:
    """This process's environment without XLA_USE_BF16 and with the launcher's process id."""
    environment = dict(os.environ)
    if environment.pop("XLA_USE_BF16", None) is not None:
        log(
            "XLA_USE_BF16 is set and was removed for the trainer, because it truncates every f32 value including "
            "losses and optimizer state; `precision` in the training config sets bf16 for the network only"
        )
    environment[LAUNCHER_VARIABLE] = str(os.getpid())
    return environment


def _exit_text(code: int, run_folder: Path) -> str:
    if code == STOPPED:
        where = where_it_stopped(read_events(RunFolder(run_folder).events))
        return f"the trainer was stopped, but not by this run: {where}"
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return (
        f"the trainer ended with {how}; for the reason, see the lines above and the step's stderr. The next launch "
        f"continues from the last checkpoint in {run_folder}"
    )
