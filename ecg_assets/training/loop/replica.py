"""Holds one replica's network, optimizer, batches and progress, and the operations of the loop on them."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import torch
from torch import Tensor

from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.log import Log
from ecg_assets.training.checkpoints.checkpoint import Progress, fresh_state, load_last_good, save_best, save_last
from ecg_assets.training.checkpoints.initial_weights import first_network
from ecg_assets.training.data.batches import Batch, DeviceBatch, TrainBatches, ValidationBatches, in_micro_batches
from ecg_assets.training.evaluation.counts import Tally
from ecg_assets.training.label_map import measured_weights
from ecg_assets.training.loop.lr_schedule import Rates
from ecg_assets.training.loop.micro_batch import MicroBatch, MicroBatchTooLargeError, chosen_micro_batch
from ecg_assets.training.loop.nonfinite_detector import Seen
from ecg_assets.training.loop.recovery import Remedy
from ecg_assets.training.loop.step import TrainingStep
from ecg_assets.training.loop.validation_counts import ValidationCounts
from ecg_assets.training.models.registry import NetworkSpec
from ecg_assets.training.runs.run_folder import RunFolder, RunFolderError, read_json_fields
from ecg_assets.training.runs.run_state import EpochScores, RunState, read_start, write_state
from ecg_assets.training.runs.stop_point import StopPoints
from ecg_assets.training.runtime.base import Runtime


class StopReachedError(Exception):
    """The training stops at this point of the validation."""


class Replica:
    """The state of a training in one replica. Every replica calls the same methods in the same order."""

    def __init__(self, run: RunFolder, runtime: Runtime, log: Log) -> None:
        """Builds the network, or resumes from the last readable checkpoint.

        Raises:
            ConfigError: the config does not fit the network or the dataset.
            EmptySplitError: a split has no samples.
            CheckpointError: there are checkpoints, but all are unusable.
        """
        start = read_start(run)
        dataset = (run.path / start.dataset).resolve()
        place = (runtime.ordinal, runtime.world_size, runtime.host_replicas)
        self.run, self.runtime, self.config = run, runtime, start.config
        self._fingerprint, self._log = start.fingerprint, log
        config = self.config
        self.train_batches = TrainBatches(SampleReader(dataset, "train", config.recipes), config, *place)
        self._validation = ValidationBatches(SampleReader(dataset, "validation", config.recipes), config, *place)
        self._spec = NetworkSpec.of(config)
        weights = config.class_weights or measured_weights(_class_shares(run, start.dataset), config.classes)
        self.step = TrainingStep(config, runtime, first_network(config), weights)
        self.network, self.optimizer = self.step.network, self.step.optimizer
        self.micro_batch: MicroBatch = chosen_micro_batch(config, runtime.core)
        self._memory_suffices = False
        self.stop_points = StopPoints(run, runtime.ordinal)
        self.resumed = self.load()
        with torch.no_grad():
            runtime.broadcast([self.network.vector, *self.network.running.values()])

    @property
    def parameters(self) -> int:
        """Number of the network's parameters."""
        return self.network.vector.numel()

    @property
    def learning_rate(self) -> float:
        """The optimizer's present learning rate."""
        return self.step.learning_rate

    def load(self) -> bool:
        """Loads the last good checkpoint, or goes to the beginning; returns whether there was a checkpoint."""
        found = load_last_good(
            self.run.last, self.run.previous, self.network, self.optimizer, self._log, self._fingerprint
        )
        if found is None:
            fresh_state(self.network, self.optimizer)
        self.progress = Progress() if found is None else found.progress
        self.progress.fingerprint = self._fingerprint
        self.rates = Rates(self.config, self.train_batches.steps, self.progress.rates)
        self.step.ema = None
        if self.config.ema_decay:
            kept = found.ema if found is not None else None
            self.step.ema = self.network.vector.detach().clone() if kept is None else kept.to(self.runtime.device)
        self.step.bf16 = self.config.precision == "bf16" and not self.progress.f32
        self.step.forget()
        self.micro_batch = self.micro_batch.at_most(self.progress.micro_batch)
        self._take_up_unread()
        return found is not None

    def steps(self) -> Iterator[tuple[int, tuple[str, ...], list[DeviceBatch]]]:
        """The epoch's remaining steps: each step's number, its samples' ids, and its micro-batches on the device."""
        progress = self.progress
        skipped = frozenset(step for epoch, step in progress.skipped if epoch == progress.epoch)
        return self._on_device(self.train_batches.epoch(progress.epoch, progress.step, skipped), self.micro_batch.size)

    def train_step(self, step: int, batches: Sequence[DeviceBatch]) -> None:
        """One step, `step` of this epoch, in micro-batches; its loss is recorded on the device, and read by `look`.

        Raises:
            MicroBatchTooLargeError: in all replicas together, if one lacks memory for a micro-batch. Nothing changes.
        """
        first = self._gradients_within_memory if not self._memory_suffices else self.step.add_gradients
        losses = [first(batches[0]), *(self.step.add_gradients(batch) for batch in batches[1:])]
        if step % self.config.accumulate == 0 or step == self.train_batches.steps:
            self.step.optimize(step, losses, self.rates.at(self.progress.epoch, step))
        else:
            self.step.note(step, losses)

    def use_smaller_micro_batch(self) -> None:
        """Halves the micro-batch, and keeps its size for later launches.

        Raises:
            ConfigError: the config sets the size, or a single sample does not fit.
        """
        self.meet()  # otherwise a slower replica would load the checkpoint that the master saves here
        self.micro_batch = self.micro_batch.halved()
        self.progress.micro_batch = self.micro_batch.size
        self.save()

    def look(self) -> Seen:
        """Reads the statistics since the last check; the same in all replicas."""
        moments = self.optimizer.state[self.network.vector]
        with torch.no_grad():
            weights = [self.network.vector.detach(), moments["exp_avg_sq"], *self.network.running.values()]
            return self.step.watch.look(weights)

    def validate(self) -> tuple[float, Tally]:
        """Mean loss and all counts over the validation samples of all replicas, each sample once.

        Raises:
            StopReachedError: the training stops here; the validation starts again after resuming.
        """
        self.average_buffers()
        self.network.train(False)
        counts = ValidationCounts(self.config.classes)
        totals = self.step.from_host([0.0, 0.0])
        with torch.no_grad():
            batches = self._validation.of(self.micro_batch.size)
            for _, _, (batch,) in self._on_device(enumerate(batches), None):
                if self.stop_points.reached():
                    raise StopReachedError
                losses_b, predicted_bhw = self.step.validate(batch)
                totals = totals + torch.stack([(losses_b * batch.valid_b).sum(), batch.valid_b.sum()])
                self.runtime.sync()
                counts.add(predicted_bhw, batch.mask_bhw, batch.valid_b)
            totals = self.runtime.total(totals)
            tally = counts.total(self.runtime)
        self.network.train(True)
        loss_sum, samples = totals.cpu().tolist()
        return loss_sum / samples, tally

    def average_buffers(self) -> None:
        """Gives all replicas the same running statistics."""
        self.step.average_buffers()

    def end_epoch(self, scores: EpochScores) -> bool:
        """Records the epoch, lowers the learning rate on a plateau, and saves the checkpoints: the best, then the last.

        Returns:
            Whether it is the best epoch so far.
        """
        progress = self.progress
        self.rates.end_epoch(scores.validation_loss)
        progress.history.append(scores)
        progress.epoch, progress.step, progress.loss_sum = scores.epoch, 0, 0.0
        best = max(progress.history, key=lambda epoch: epoch.foreground_dice)  # the first of equals
        improved = best.epoch == scores.epoch
        progress.best_epoch = best.epoch
        if improved and self.runtime.is_master:
            vector = self.network.vector if self.step.ema is None else self.step.ema
            save_best(self.run.best, self._spec, self.network, scores, vector)
        self.save()
        return improved

    def recover(self, step: int, remedy: Remedy) -> None:
        """Goes back to the last good checkpoint, skips the non-finite step, and applies the remedy."""
        epoch, skipped = self.progress.epoch, list(self.progress.skipped)
        self.load()
        # Otherwise a slower replica would load the master's next checkpoint, with its lower rate.
        self.meet()
        self.progress.skipped = sorted({*skipped, (epoch, step)})
        self.progress.recoveries = remedy.number
        self.progress.f32 |= remedy.f32
        self._memory_suffices &= not remedy.f32  # f32 takes more of it
        self.rates.factor *= remedy.rate_factor
        self.step.bf16 = self.config.precision == "bf16" and not self.progress.f32
        self.save()

    def meet(self) -> None:
        """Waits until all replicas have reached this point."""
        if self.runtime.world_size == 1:
            return
        arrived = self.runtime.total(self.step.from_host([1.0]))
        self.runtime.sync()
        arrived.cpu()

    def save(self) -> None:
        """Writes the last checkpoint and the run's state."""
        self.progress.rates = self.rates.state()
        if not self.runtime.is_master:
            return
        files = (self.run.last, self.run.previous)
        save_last(*files, self._spec, self.network, self.step.ema, self.optimizer, self.progress)
        self.write_state()

    def keep_unread(self, seen: Seen) -> None:
        """Stores a check's statistics in the next checkpoint as unchecked steps."""
        self.progress.unread_steps, self.progress.unread_r = seen.steps, seen.losses_r

    @property
    def finished(self) -> bool:
        """Whether all epochs are trained, or the score has not risen for the configured number of epochs."""
        progress, patience = self.progress, self.config.early_stop_patience
        stale = patience is not None and progress.epoch - progress.best_epoch >= patience > 0
        return progress.epoch >= self.config.epochs or (stale and progress.epoch > 0)

    def write_state(self) -> None:
        """Writes the run's state as of the last checkpoint."""
        state = RunState(
            fingerprint=self._fingerprint,
            epochs_done=self.progress.epoch,
            finished=self.finished,
            best_epoch=self.progress.best_epoch,
            history=self.progress.history,
        )
        write_state(self.run, state)

    def _take_up_unread(self) -> None:
        progress = self.progress
        if len(progress.unread_r) == self.runtime.world_size:
            self.step.watch.go_on(progress.unread_r[self.runtime.ordinal], progress.unread_steps)
        elif progress.unread_r:  # it was saved by another number of replicas
            progress.loss_sum += sum(progress.unread_r) / len(progress.unread_r)
        progress.unread_steps, progress.unread_r = 0, []

    def _gradients_within_memory(self, batch: DeviceBatch) -> Tensor:
        """The first micro-batch's gradients: the graph that needs most memory, and runs without waiting for replicas.

        Raises:
            MicroBatchTooLargeError: in all replicas together, if one lacks memory for it.
        """
        losses_b = self.runtime.within_memory(lambda: self.step.add_gradients(batch))
        if losses_b is None:
            # Operations that failed are still queued and would be repeated with the next ones.
            self.load()
        # Otherwise operations queued in this replica only would change its graph of the collective.
        self.runtime.sync()
        lacking = self.runtime.total(self.step.from_host([float(losses_b is None)]))
        self.runtime.sync()
        if losses_b is None or lacking.cpu().item():
            self.load()
            raise MicroBatchTooLargeError
        self._memory_suffices = True
        return losses_b

    def _on_device(
        self, batches: Iterator[tuple[int, Batch]], micro_batch: int | None
    ) -> Iterator[tuple[int, tuple[str, ...], list[DeviceBatch]]]:
        fed = (((step, batch.ids), batch.tensors(micro_batch)) for step, batch in batches)
        with closing(self.runtime.feed(fed)) as feed:
            for (step, ids), tensors in feed:
                yield step, tuple(ids), in_micro_batches(tensors)


def _class_shares(run: RunFolder, dataset: str) -> list[float]:
    path, remedy = run.path / dataset / "dataset.json", "delete it and materialise mixed_dataset"
    shares = read_json_fields(path, remedy).get("class_shares")
    if not isinstance(shares, list) or not all(isinstance(share, int | float) for share in shares):
        raise RunFolderError(f"{path} is damaged (it has no class_shares); {remedy}")
    return [float(share) for share in shares]
