"""The training loop, run by every replica."""

import traceback
from typing import Literal

import numpy as np

from ecg_assets.training.loop.event_reporter import Teller
from ecg_assets.training.loop.micro_batch import MicroBatchTooLargeError
from ecg_assets.training.loop.nonfinite_detector import Seen
from ecg_assets.training.loop.recovery import Flaw, remedy
from ecg_assets.training.loop.replica import Replica, StopReachedError
from ecg_assets.training.loop.throughput import Stopwatch
from ecg_assets.training.runs.events import EventLog
from ecg_assets.training.runs.run_folder import RunFolder
from ecg_assets.training.runs.run_state import EpochScores
from ecg_assets.training.runtime.base import Runtime

Outcome = Literal["epoch", "stopped", "recovered", "smaller"]


def train_replica(run: RunFolder, runtime: Runtime) -> None:
    """Trains to the last epoch, or until a stop is requested; errors are reported as an event, and raised."""
    events = EventLog(run.events)
    try:
        teller = Teller(events, runtime)
        _train(Replica(run, runtime, teller.note), teller)
    except Exception as error:
        events.write(
            "error",
            f"replica {runtime.ordinal}: {type(error).__name__}: {error}",
            ordinal=runtime.ordinal,
            traceback=traceback.format_exc(),
        )
        raise


def _train(replica: Replica, teller: Teller) -> None:
    teller.started(replica)
    if not replica.resumed or replica.finished:
        # A flaw in the first epoch goes back to this checkpoint. A finished run's state may be missing, and is written.
        replica.save()
    while not replica.finished:
        outcome = _train_epoch_within_memory(replica, teller)
        if outcome == "epoch":
            outcome = _end_epoch(replica, teller)
        if outcome == "stopped":
            replica.save()
            teller.stopped(replica)
            replica.meet()
            return
    teller.finished(replica)
    # The other hosts then see that the run is finished.
    replica.meet()


def _train_epoch_within_memory(replica: Replica, teller: Teller) -> Outcome:
    """As `_train_epoch`; if a micro-batch does not fit in memory, it is tried again with a smaller one.

    Raises:
        ConfigError: there is no smaller one.
    """
    try:
        return _train_epoch(replica, teller)
    except MicroBatchTooLargeError:
        before = replica.micro_batch.size
    replica.use_smaller_micro_batch()
    teller.smaller_micro_batch(replica, before)
    return "smaller"


def _train_epoch(replica: Replica, teller: Teller) -> Outcome:
    """Trains from the present progress to the end of its epoch."""
    config, progress, steps = replica.config, replica.progress, replica.train_batches.steps
    watch = teller.stopwatch = Stopwatch(config.batch_size * replica.runtime.world_size)
    saved = progress.step
    recent: dict[int, tuple[str, ...]] = {}  # the samples since the last check, to name those of a flaw
    rests = True
    for step, ids, batches in watch.waiting(replica.steps()):
        if rests and replica.stop_points.reached():
            return _stop(replica, teller, max(recent, default=progress.step), recent)
        with teller.first_step(replica):
            replica.train_step(step, batches)
        teller.say_fallbacks()
        recent[step] = ids
        # Gradients accumulated between two optimizer steps are not in a checkpoint.
        rests = step % config.accumulate == 0 or step == steps
        due = step % config.check_every == 0 or step % config.log_every == 0 or step == max(recent) == steps
        if not (rests and due):
            continue
        seen = replica.look()
        if seen.first_bad or seen.bad_weights:
            _recover(replica, teller, seen, step, recent)
            return "recovered"
        recent.clear()
        progress.loss_sum, progress.step = progress.loss_sum + seen.loss_sum, step
        if step % config.log_every == 0 or step == steps:
            teller.log(replica, seen)
        # Not at the next check, or more than `save_every` steps could be lost.
        if config.save_every and step + config.check_every - saved > config.save_every and step < steps:
            replica.save()
            saved = step
    progress.step = steps
    return "epoch"


def _stop(replica: Replica, teller: Teller, done: int, recent: dict[int, tuple[str, ...]]) -> Outcome:
    """Checks that the state to save is finite, and makes the training resume after step `done`."""
    seen = replica.look()
    if seen.first_bad or seen.bad_weights:
        _recover(replica, teller, seen, done, recent)
        return "recovered"
    replica.progress.step = done
    replica.keep_unread(seen)
    return "stopped"


def _end_epoch(replica: Replica, teller: Teller) -> Outcome:
    progress, learning_rate, watch = replica.progress, replica.learning_rate, teller.stopwatch
    watch.stop()
    skipped = sum(epoch == progress.epoch for epoch, _ in progress.skipped)
    mean_loss = progress.loss_sum / max(1, replica.train_batches.steps - skipped)
    try:
        validation_loss, tally = replica.validate()
    except StopReachedError:
        return _stop(replica, teller, progress.step, {})
    if not np.isfinite(validation_loss):
        seen = Seen(0.0, 0, first_bad=0, bad_weights=True, own_bad=[])
        _recover(replica, teller, seen, progress.step, {})
        return "recovered"
    scores = tally.scores
    ended = EpochScores(
        epoch=progress.epoch + 1,
        loss=mean_loss,
        learning_rate=learning_rate,
        validation_loss=validation_loss,
        dice=scores.dice,
        iou=scores.iou,
        precision=scores.precision,
        recall=scores.recall,
        foreground_dice=scores.foreground_dice,
        f_1px=tally.near_f(1),
        f_2px=tally.near_f(2),
        intersection_f_3px=tally.intersections.f,
        confusion=tally.named_counts,
        samples_per_s=watch.samples_per_s,
        data_wait_share=watch.wait_share,
    )
    progress.recoveries = 0
    best = replica.end_epoch(ended)
    teller.epoch(replica, ended, best)
    return "epoch"


def _recover(replica: Replica, teller: Teller, seen: Seen, step: int, recent: dict[int, tuple[str, ...]]) -> None:
    """Goes back to the last good checkpoint, and skips the non-finite step.

    Raises:
        NonFiniteLossError: too many recoveries.
    """
    flaw = Flaw(replica.progress.epoch, seen.first_bad or step, "loss or gradient" if seen.first_bad else "weights")
    ids = recent.get(flaw.step, ())
    teller.flawed(flaw, [ids[place] for place in seen.own_bad] if ids else [], ids)
    chosen = remedy(flaw, replica.progress.recoveries, replica.config, replica.learning_rate)
    replica.recover(flaw.step, chosen)
    teller.recovered(replica, flaw, chosen)
