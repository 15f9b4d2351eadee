"""One replica's network, optimizer, batches and progress: what the loop moves forward."""

from collections.abc import Iterator, Sequence
from contextlib import closing

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.log import Log
from ecg_assets.training.checkpoints.checkpoint import Progress, fresh_state, load_last_good, save_best, save_last
from ecg_assets.training.checkpoints.initial_weights import first_network
from ecg_assets.training.data.augmentation import turned
from ecg_assets.training.data.batches import Batch, DeviceBatch, TrainBatches, ValidationBatches
from ecg_assets.training.evaluation.counts import Tally
from ecg_assets.training.label_map import measured_weights
from ecg_assets.training.loop.losses import LossTerms, sample_losses
from ecg_assets.training.loop.lr_schedule import Rates
from ecg_assets.training.loop.nonfinite_detector import Seen, Watch
from ecg_assets.training.loop.recovery import Remedy
from ecg_assets.training.loop.validation_counts import ValidationCounts
from ecg_assets.training.models.compact_unet import normalise
from ecg_assets.training.models.flat_parameters import FlatNetwork
from ecg_assets.training.models.registry import NetworkSpec
from ecg_assets.training.runs.run_folder import RunFolder, read_json_fields
from ecg_assets.training.runs.run_state import EpochScores, RunState, read_start, write_state
from ecg_assets.training.runtime.base import Runtime


class Replica:
    """The state of a training in one replica. Every replica calls the same methods in the same order."""

    def __init__(self, run: RunFolder, runtime: Runtime, log: Log) -> None:
        """Builds the network, or goes on from the last checkpoint that can be read.

        Raises:
            ConfigError, EmptySplitError, CheckpointError: what they say.
        """
        start = read_start(run)
        dataset = (run.path / start.dataset).resolve()
        place = (runtime.ordinal, runtime.world_size, runtime.host_replicas)
        self.run, self.runtime, self.config = run, runtime, start.config
        self._fingerprint, self._log = start.fingerprint, log
        config = self.config
        self.train_batches = TrainBatches(SampleReader(dataset, "train", config.recipes), config, *place)
        self._validation = ValidationBatches(SampleReader(dataset, "validation", config.recipes), config, *place)
        self._spec, self._terms = NetworkSpec.of(config), LossTerms.of(config)
        self.network = FlatNetwork(first_network(config), runtime.device)
        # Its weight decay is applied by `_decay_weights`.
        self.optimizer = torch.optim.AdamW([self.network.vector], config.learning_rate, weight_decay=0.0, foreach=False)
        weights = config.class_weights or measured_weights(_class_shares(run, start.dataset), config.classes)
        self._class_weights_c = self._from_host(weights)
        self._watch = Watch(runtime, config.batch_size)
        self.resumed = self.load()
        with torch.no_grad():
            runtime.broadcast([self.network.vector, *self.network.running.values()])

    @property
    def parameters(self) -> int:
        """How many numbers the network has."""
        return self.network.vector.numel()

    @property
    def bf16(self) -> bool:
        """Whether the network computes in bf16: as the config says, until a recovery switched it off."""
        return self.config.precision == "bf16" and not self.progress.f32

    @property
    def learning_rate(self) -> float:
        """The optimizer's, now."""
        return float(self.optimizer.param_groups[0]["lr"])

    def load(self) -> bool:
        """Goes to where the last good checkpoint is, or to the beginning; whether there was a checkpoint."""
        found = load_last_good(
            self.run.last, self.run.previous, self.network, self.optimizer, self._log, self._fingerprint
        )
        if found is None:
            fresh_state(self.network, self.optimizer)
        self.progress = Progress() if found is None else found.progress
        self.progress.fingerprint = self._fingerprint
        self.rates = Rates(self.config, self.train_batches.steps, self.progress.rates)
        self._ema = None
        if self.config.ema_decay:
            kept = found.ema if found is not None else None
            self._ema = self.network.vector.detach().clone() if kept is None else kept.to(self.runtime.device)
        self.optimizer.zero_grad(set_to_none=True)
        self._watch.reset()
        return found is not None

    def steps(self) -> Iterator[tuple[int, tuple[str, ...], DeviceBatch]]:
        """What is left of the epoch: each step's number, its samples' ids, and its batch on the device."""
        progress = self.progress
        skipped = frozenset(step for epoch, step in progress.skipped if epoch == progress.epoch)
        return self._on_device(self.train_batches.epoch(progress.epoch, progress.step, skipped))

    def train_step(self, step: int, batch: DeviceBatch) -> None:
        """One step, `step` of this epoch; its loss is noted on the device, and read by `look`."""
        config = self.config
        losses_b = self._losses(batch)[0]
        (losses_b.mean() / config.accumulate).backward()  # type: ignore[no-untyped-call]
        if step % config.accumulate == 0 or step == self.train_batches.steps:
            self._optimize(step, losses_b.detach())
        else:
            self._watch.note(step, losses_b.detach(), self._from_host([0.0])[0])
        self.runtime.sync()

    def look(self) -> Seen:
        """Reads what happened since the last look: the same in all replicas."""
        moments = self.optimizer.state[self.network.vector]
        with torch.no_grad():
            weights = [self.network.vector.detach(), moments["exp_avg_sq"], *self.network.running.values()]
            return self._watch.look(weights, self.run.stop_request.exists())

    def validate(self) -> tuple[float, Tally]:
        """Mean loss and all counts over the validation samples of all replicas, each sample once."""
        self._average_buffers()
        self.network.train(False)
        counts = ValidationCounts(self.config.classes)
        totals = self._from_host([0.0, 0.0])
        with torch.no_grad():
            for _, _, batch in self._on_device(enumerate(self._validation)):
                losses_b, logits_bchw, mask_bhw, valid_b = self._losses(batch, self._ema)
                predicted_bhw = logits_bchw.argmax(dim=1).to(torch.uint8)
                totals = totals + torch.stack([(losses_b * valid_b).sum(), valid_b.sum()])
                self.runtime.sync()
                counts.add(predicted_bhw, mask_bhw, valid_b)
            totals = self.runtime.total(totals)
            tally = counts.total(self.runtime)
        self.network.train(True)
        loss_sum, samples = totals.cpu().tolist()
        return loss_sum / samples, tally

    def end_epoch(self, scores: EpochScores) -> bool:
        """Notes the epoch, lowers the learning rate on a plateau, and saves: the best first, then the last.

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
            vector = self.network.vector if self._ema is None else self._ema
            save_best(self.run.best, self._spec, self.network, scores, vector)
        self.save()
        return improved

    def recover(self, step: int, remedy: Remedy) -> None:
        """Goes back to the last good checkpoint, leaves out the step that was not finite, and applies the remedy."""
        epoch, skipped = self.progress.epoch, list(self.progress.skipped)
        self.load()
        # Or the master's next checkpoint, with its lower rate, would be what a slower replica loads.
        self.meet()
        self.progress.skipped = sorted({*skipped, (epoch, step)})
        self.progress.recoveries = remedy.number
        self.progress.f32 |= remedy.f32
        self.rates.factor *= remedy.rate_factor
        self.save()

    def meet(self) -> None:
        """Waits until all replicas have come to this point."""
        if self.runtime.world_size == 1:
            return
        arrived = self.runtime.total(self._from_host([1.0]))
        self.runtime.sync()
        arrived.cpu()

    def save(self) -> None:
        """Writes the last checkpoint and how far the run is."""
        self.progress.rates = self.rates.state()
        if not self.runtime.is_master:
            return
        files = (self.run.last, self.run.previous)
        save_last(*files, self._spec, self.network, self._ema, self.optimizer, self.progress)
        self.write_state()

    @property
    def finished(self) -> bool:
        """Whether all epochs are trained, or the score has not risen for as long as the config waits."""
        progress, patience = self.progress, self.config.early_stop_patience
        stale = patience is not None and progress.epoch - progress.best_epoch >= patience > 0
        return progress.epoch >= self.config.epochs or (stale and progress.epoch > 0)

    def write_state(self) -> None:
        """Writes how far the run is, as the last checkpoint has it."""
        state = RunState(
            fingerprint=self._fingerprint,
            epochs_done=self.progress.epoch,
            finished=self.finished,
            best_epoch=self.progress.best_epoch,
            history=self.progress.history,
        )
        write_state(self.run, state)

    def _optimize(self, step: int, losses_b: Tensor) -> None:
        self.runtime.reduce_gradients(self.optimizer)
        norm = clip_grad_norm_([self.network.vector], self.config.clip_norm, foreach=False)
        self._watch.note(step, losses_b, norm.detach())
        self.optimizer.param_groups[0]["lr"] = self.rates.at(self.progress.epoch, step)
        with torch.no_grad():
            self._decay_weights()
            self.optimizer.step()
            if self._ema is not None:
                self._ema = torch.lerp(self.network.vector.detach(), self._ema, self.config.ema_decay)
        self.optimizer.zero_grad(set_to_none=True)

    def _decay_weights(self) -> None:
        """AdamW's decoupled weight decay (Loshchilov and Hutter 2019): weights times 1 - learning rate * decay.

        The optimizer's own would compile a second graph for the factor 1, which f32 rounds to at low learning rates.
        """
        self.network.vector.mul_(self._from_host([1.0 - self.learning_rate * self.config.weight_decay]))

    def _average_buffers(self) -> None:
        """BatchNorm's running statistics: each replica has seen other samples; from here on all have their mean."""
        running = self.network.running
        if not running or self.runtime.world_size == 1:
            return
        with torch.no_grad():
            for name, buffer in running.items():
                self.network.buffers[name] = self.runtime.total(buffer) / self.runtime.world_size
            self.runtime.sync()

    def _on_device(self, batches: Iterator[tuple[int, Batch]]) -> Iterator[tuple[int, tuple[str, ...], DeviceBatch]]:
        with closing(self.runtime.feed(((step, batch.ids), batch.tensors()) for step, batch in batches)) as feed:
            for (step, ids), tensors in feed:
                yield step, tuple(ids), DeviceBatch(*tensors)

    def _losses(self, batch: DeviceBatch, vector: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        image_bhwc, mask_bhw, config = batch.image_bhwc, batch.mask_bhw, self.config
        if config.turned and vector is None and torch.is_grad_enabled():
            image_bhwc, mask_bhw = turned(image_bhwc, mask_bhw, batch.way_b, config.classes)
        with self.runtime.autocast(self.bf16):
            logits_bchw = self.network(normalise(image_bhwc), vector)
        losses_b = sample_losses(logits_bchw, mask_bhw, self._class_weights_c, self._terms)
        return losses_b, logits_bchw, mask_bhw, batch.valid_b

    def _from_host(self, values: Sequence[float]) -> Tensor:
        """Sent from the host: values that are made on the device would be part of the compiled graph."""
        return torch.tensor(values, dtype=torch.float32).to(self.runtime.device)


def _class_shares(run: RunFolder, dataset: str) -> list[float]:
    facts = read_json_fields(run.path / dataset / "dataset.json", "delete it and materialise mixed_dataset")
    return [float(share) for share in facts["class_shares"]]
