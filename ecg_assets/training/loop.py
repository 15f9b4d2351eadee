"""The training loop, as every replica runs it."""

import time
import traceback
from pathlib import Path

from ecg_assets.training.events import EventLog
from ecg_assets.training.metrics import scores_of
from ecg_assets.training.replica import Replica
from ecg_assets.training.run_folder import EpochScores, RunFolder
from ecg_assets.training.runtime.base import Runtime


def train_replica(run_folder: Path, runtime: Runtime) -> None:
    """Trains to the last epoch, or until a stop is requested; what goes wrong is told as an event, and raised."""
    run = RunFolder(run_folder)
    try:
        _train(Replica(run, runtime), _Teller(EventLog(run.events), runtime))
    except Exception as error:
        EventLog(run.events).write(
            "error",
            f"replica {runtime.ordinal}: {type(error).__name__}: {error}",
            ordinal=runtime.ordinal,
            traceback=traceback.format_exc(),
        )
        raise


def _train(replica: Replica, teller: "_Teller") -> None:
    config, progress, batches = replica.config, replica.progress, replica.train_batches
    teller.started(replica)
    for epoch in range(progress.epoch, config.epochs):
        began, learning_rate = time.monotonic(), replica.learning_rate
        for step, batch in enumerate(batches.epoch(epoch, progress.step), start=progress.step + 1):
            replica.train_step(batch)
            if step % config.log_every == 0 or step == batches.steps:
                loss, stop = replica.look(step)
                teller.log(replica, loss)
                if stop:
                    replica.save()
                    teller.stopped(replica)
                    return
        mean_loss = progress.loss_sum / batches.steps
        validation_loss, confusion = replica.validate()
        scores = scores_of(confusion)
        ended = EpochScores(
            epoch=epoch + 1,
            loss=mean_loss,
            learning_rate=learning_rate,
            validation_loss=validation_loss,
            dice=scores.dice,
            iou=scores.iou,
            foreground_dice=scores.foreground_dice,
        )
        replica.end_epoch(ended)
        teller.epoch(replica, ended, time.monotonic() - began)
    teller.finished(replica)


class _Teller:
    """Writes the master's events; the other replicas are silent."""

    def __init__(self, events: EventLog, runtime: Runtime) -> None:
        self._events, self._runtime = events, runtime
        self._last_look = time.monotonic()

    def started(self, replica: Replica) -> None:
        runtime, progress = self._runtime, replica.progress
        if runtime.is_master:
            place = f", going on after epoch {progress.epoch} and {progress.step} steps" if replica.resumed else ""
            self._events.write(
                "started",
                f"training {replica.config.experiment} on {runtime.world_size} x {runtime.device.type} "
                f"({runtime.kind}), {replica.parameters:,} parameters{place}",
                runtime=runtime.kind,
                world_size=runtime.world_size,
                device=str(runtime.device),
                parameters=replica.parameters,
                epoch=progress.epoch,
                step=progress.step,
            )

    def log(self, replica: Replica, loss: float) -> None:
        now, progress = time.monotonic(), replica.progress
        if self._runtime.is_master:
            self._events.write(
                "log",
                f"epoch {progress.epoch + 1} of {replica.config.epochs}, step {progress.step} of "
                f"{replica.train_batches.steps}: loss {loss:.4f}, learning rate {replica.learning_rate:.2e}, "
                f"{now - self._last_look:.1f} s",
                epoch=progress.epoch + 1,
                step=progress.step,
                loss=loss,
                learning_rate=replica.learning_rate,
            )
        self._last_look = now

    def epoch(self, replica: Replica, ended: EpochScores, seconds: float) -> None:
        if not self._runtime.is_master:
            return
        dice = ", ".join(f"{name} {value:.3f}" for name, value in ended.dice.items() if value is not None)
        best = replica.progress.best_epoch == ended.epoch
        self._events.write(
            "epoch",
            f"epoch {ended.epoch} of {replica.config.epochs}: loss {ended.loss:.4f}, validation loss "
            f"{ended.validation_loss:.4f}, learning rate {ended.learning_rate:.2e}, Dice {dice}; {seconds:.0f} s",
            **ended.model_dump(),
            step=replica.train_batches.steps,
            seconds=seconds,
            compiles=self._runtime.compiles(),
            fallbacks=self._runtime.fallbacks(),
        )
        self._events.write(
            "checkpoint",
            f"checkpoint of epoch {ended.epoch} written" + (" (the best so far)" if best else ""),
            epoch=ended.epoch,
            best=best,
        )

    def stopped(self, replica: Replica) -> None:
        if self._runtime.is_master:
            progress = replica.progress
            self._events.write(
                "stopped",
                f"stopped as asked after epoch {progress.epoch} and {progress.step} steps; the next launch goes on "
                "from there",
                epoch=progress.epoch,
                step=progress.step,
            )

    def finished(self, replica: Replica) -> None:
        if self._runtime.is_master:
            # A host that died between checkpoint and state left a state of before.
            replica.write_state()
            progress = replica.progress
            best = progress.history[progress.best_epoch - 1]
            self._events.write(
                "finished",
                f"{progress.epoch} epochs trained; best: epoch {best.epoch}, mean Dice {best.foreground_dice:.4f}",
                best_epoch=best.epoch,
                foreground_dice=best.foreground_dice,
            )
