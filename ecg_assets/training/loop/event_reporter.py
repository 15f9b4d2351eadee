"""Writes training events. Replica 0 reports for all; each replica reports its own samples with non-finite loss."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from ecg_assets.training.loop.nonfinite_detector import Seen
from ecg_assets.training.loop.recovery import Flaw, Remedy
from ecg_assets.training.loop.replica import Replica
from ecg_assets.training.loop.throughput import Stopwatch
from ecg_assets.training.runs.events import EventLog, stopped_at
from ecg_assets.training.runs.run_state import EpochScores
from ecg_assets.training.runtime.base import Runtime
from ecg_assets.training.tpu_plans import planned

_NAMED = 8


class Teller:
    """Writes the events of one replica's training."""

    def __init__(self, events: EventLog, runtime: Runtime) -> None:
        self._events, self._runtime = events, runtime
        self._last_look = self._epoch_began = time.monotonic()
        self._said_fallbacks = self._compiled = False
        self.stopwatch = Stopwatch(0)

    def note(self, message: str) -> None:
        """Writes a line of the log."""
        if self._runtime.is_master:
            self._events.write("log", message)

    def started(self, replica: Replica) -> None:
        runtime, progress = self._runtime, replica.progress
        if runtime.is_master:
            place = f", going on after epoch {progress.epoch} and {progress.step} steps" if replica.resumed else ""
            self._events.write(
                "started",
                f"training {replica.config.experiment} on {runtime.world_size} x {runtime.device.type} "
                f"({runtime.kind}), {replica.parameters:,} parameters{_at_once(replica)}{place}",
                runtime=runtime.kind,
                world_size=runtime.world_size,
                device=str(runtime.device),
                parameters=replica.parameters,
                epoch=progress.epoch,
                step=progress.step,
            )

    @contextmanager
    def first_step(self, replica: Replica) -> Iterator[None]:
        """Wraps every step; for the first one, which XLA compiles, reports the expected and the actual time."""
        if self._compiled or self._runtime.kind != "xla":
            yield
            return
        size, core, began = replica.micro_batch.size, self._runtime.core, time.monotonic()
        plan = planned(replica.config, core) if core is not None else None
        before = f"; that took {plan.compile_s:.0f} s when it was planned" if plan is not None else ""
        self.note(f"compiling the training step, {size} samples at once{before}")
        yield
        self._compiled = True
        self.note(f"compiled the training step in {time.monotonic() - began:.0f} s")

    def smaller_micro_batch(self, replica: Replica, before: int) -> None:
        """Reports that `before` samples at once did not fit in a replica's memory."""
        if self._runtime.is_master:
            size = replica.micro_batch.size
            self._events.write(
                "log",
                f"the memory does not suffice for {before} samples at once; all replicas go on with {size} at once, "
                f"and {replica.config.batch_size} in a step as before{_batch_statistics(replica)}",
                micro_batch=size,
            )

    def log(self, replica: Replica, seen: Seen) -> None:
        now, progress = time.monotonic(), replica.progress
        if self._runtime.is_master:
            loss = seen.loss_sum / max(1, seen.steps)
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

    def epoch(self, replica: Replica, ended: EpochScores, best: bool) -> None:
        seconds = time.monotonic() - self._epoch_began
        self._epoch_began = time.monotonic()
        if not self._runtime.is_master:
            return
        f = {"wave within 1 px": ended.f_1px.get("wave"), "intersections": ended.intersection_f_3px}
        self._events.write(
            "epoch",
            f"epoch {ended.epoch} of {replica.config.epochs}: loss {ended.loss:.4f}, validation loss "
            f"{ended.validation_loss:.4f}, learning rate {ended.learning_rate:.2e}, Dice {_listed(ended.dice)}; "
            f"F {_listed(f)}; {seconds:.0f} s, "
            f"{ended.samples_per_s:.1f} samples/s, {ended.data_wait_share:.0%} of it waiting for data",
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

    def flawed(self, flaw: Flaw, samples: list[str], step: tuple[str, ...]) -> None:
        """Names the samples of this replica with non-finite loss or, on the master, all samples of `step`."""
        if not samples and not self._runtime.is_master:
            return
        named = samples or list(step)
        what = "samples with such a loss" if samples else "the step's samples"
        listed = ", ".join(named[:_NAMED]) + (" ..." if len(named) > _NAMED else "")
        self._events.write(
            "flaw",
            f"{flaw}; {what} (replica {self._runtime.ordinal}): {listed or 'unknown'}",
            epoch=flaw.epoch + 1,
            step=flaw.step,
            samples=named,
            ordinal=self._runtime.ordinal,
        )

    def recovered(self, replica: Replica, flaw: Flaw, chosen: Remedy) -> None:
        if self._runtime.is_master:
            progress = replica.progress
            self._events.write(
                "recovery",
                f"going on from the checkpoint after epoch {progress.epoch} and {progress.step} steps, without step "
                f"{flaw.step} of epoch {flaw.epoch + 1}: {chosen}",
                epoch=progress.epoch,
                step=progress.step,
                recovery=chosen.number,
                rate_factor=replica.rates.factor,
                f32=progress.f32,
            )

    def stopped(self, replica: Replica) -> None:
        if self._runtime.is_master:
            progress = replica.progress
            validates = progress.step == replica.train_batches.steps
            self._events.write(
                "stopped",
                stopped_at(progress.epoch, progress.step) + (", with the epoch's validation" if validates else ""),
                epoch=progress.epoch,
                step=progress.step,
            )

    def finished(self, replica: Replica) -> None:
        if self._runtime.is_master:
            # A host that died between writing checkpoint and state has left an older state.
            replica.write_state()
            progress = replica.progress
            best = progress.history[progress.best_epoch - 1]
            early = ", stopped early: the score no longer rose" if progress.epoch < replica.config.epochs else ""
            self._events.write(
                "finished",
                f"{progress.epoch} epochs trained{early}; best: epoch {best.epoch}, mean Dice "
                f"{best.foreground_dice:.4f}",
                best_epoch=best.epoch,
                foreground_dice=best.foreground_dice,
            )

    def say_fallbacks(self) -> None:
        """Reports, after the first step, which operations run on the host because the device does not support them."""
        if self._said_fallbacks:
            return
        self._said_fallbacks = True
        fallbacks = self._runtime.fallbacks()
        if fallbacks and self._runtime.is_master:
            self._events.write(
                "log",
                f"this network falls back to the host in every step, which is slow on a TPU: {', '.join(fallbacks)}",
                fallbacks=fallbacks,
            )


def _at_once(replica: Replica) -> str:
    size = replica.micro_batch.size
    if size == replica.config.batch_size:
        return ""
    return f", {size} of {replica.config.batch_size} samples at once{_batch_statistics(replica)}"


def _batch_statistics(replica: Replica) -> str:
    """A clause for networks whose layers see a micro-batch as a batch."""
    if not replica.network.running or replica.micro_batch.size == replica.config.batch_size:
        return ""
    return "; the network has statistics of batches, so its gradients are not quite those of the whole batch"


def _listed(scores: Mapping[str, float | None]) -> str:
    """The scores that are not None."""
    return ", ".join(f"{name} {score:.3f}" for name, score in scores.items() if score is not None) or "none"
