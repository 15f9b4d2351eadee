"""One replica's network, optimizer, batches and progress: what the loop moves forward."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim.lr_scheduler import ReduceLROnPlateau

from ecg_assets.samples.reader import SampleReader
from ecg_assets.training.batches import Batch, TrainBatches, ValidationBatches
from ecg_assets.training.checkpoint import NetworkSpec, Progress, fresh_state, load_last, save_best, save_last
from ecg_assets.training.flat import FlatNetwork
from ecg_assets.training.losses import sample_losses
from ecg_assets.training.metrics import ConfusionMatrix, counts_on_host
from ecg_assets.training.network import initialise, normalise
from ecg_assets.training.run_folder import EpochScores, RunFolder, RunState, read_start, write_state
from ecg_assets.training.runtime.base import Runtime


class NonFiniteLossError(ArithmeticError):
    """A loss or gradient was NaN or infinite; nothing of it was saved."""


class Replica:
    """The state of a training in one replica. Every replica calls the same methods in the same order."""

    def __init__(self, run: RunFolder, runtime: Runtime) -> None:
        """Builds the network, or goes on from the last checkpoint.

        Raises:
            ConfigError, EmptySplitError, CheckpointError: what they say.
        """
        start = read_start(run)
        dataset = (run.path / start.dataset).resolve()
        place = (runtime.ordinal, runtime.world_size)
        self.run, self.runtime, self.config = run, runtime, start.config
        self._fingerprint = start.fingerprint
        self.train_batches = TrainBatches(SampleReader(dataset, "train", self.config.recipes), self.config, *place)
        self._validation_batches = ValidationBatches(
            SampleReader(dataset, "validation", self.config.recipes), self.config, *place
        )
        self._spec = NetworkSpec(classes=self.config.classes, widths=self.config.widths, patch_px=self.config.patch_px)
        network = self._spec.build()
        initialise(network, self.config.seed)
        self.network = FlatNetwork(network, runtime.device)
        # Its weight decay is applied by `_decay_weights`.
        self.optimizer = torch.optim.AdamW(
            [self.network.vector], self.config.learning_rate, weight_decay=0.0, foreach=False
        )
        self.resumed = run.last.exists()
        self.progress = self._start_or_resume()
        self._plateau = self._make_plateau()
        self._class_weights_c = self._from_host(self.config.class_weights)
        # Loss sum and count of non-finite steps since the last look, on the device.
        self._totals = self._zeros()
        with torch.no_grad():
            runtime.broadcast([self.network.vector])

    @property
    def parameters(self) -> int:
        """How many numbers the network has."""
        return self.network.vector.numel()

    def train_step(self, batch: Batch) -> None:
        """One step of the optimizer; its loss is added up on the device."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._losses(batch)[0].mean()
        loss.backward()  # type: ignore[no-untyped-call]
        self.runtime.reduce_gradients(self.optimizer)
        norm = clip_grad_norm_([self.network.vector], self.config.clip_norm, foreach=False)
        self._decay_weights()
        self.optimizer.step()
        not_finite = (~torch.isfinite(loss.detach() + norm)).float()
        self._totals = self._totals + torch.stack([loss.detach(), not_finite])
        self.runtime.sync()

    def look(self, step: int) -> tuple[float, bool]:
        """Reads the losses since the last look.

        Args:
            step: steps of this epoch that are done.

        Returns:
            Their mean over steps and replicas, and whether a stop is requested: the same in all replicas.

        Raises:
            NonFiniteLossError: one of them, or its gradient, was not finite.
        """
        stop = self._from_host([float(self.run.stop_request.exists())])
        totals = self.runtime.total(torch.cat([self._totals, stop]))
        self.runtime.sync()
        loss_sum, not_finite, stops = totals.cpu().tolist()
        if not_finite:
            raise NonFiniteLossError(
                f"loss or gradient was not finite between step {self.progress.step + 1} and step {step} of epoch "
                f"{self.progress.epoch + 1} (learning rate {self.learning_rate:g}, {self.config.precision}); "
                f"{self.run.last.name} is of before. Lower learning_rate"
                + (", or set precision: f32" if self.config.precision == "bf16" else "")
            )
        loss_sum /= self.runtime.world_size
        mean = loss_sum / (step - self.progress.step)
        self.progress.loss_sum += loss_sum
        self.progress.step = step
        self._totals = self._zeros()
        return mean, stops > 0

    def validate(self) -> tuple[float, npt.NDArray[np.int64]]:
        """Loss and confusion matrix (true class, predicted class) over the validation samples of all replicas.

        Raises:
            NonFiniteLossError: the loss is not finite.
        """
        confusion = ConfusionMatrix(self.config.classes, self.runtime.device)
        totals = self._zeros()
        with torch.no_grad():
            for batch in self._validation_batches:
                losses_b, logits_bchw, mask_bhw, valid_b = self._losses(batch)
                confusion.add(logits_bchw, mask_bhw, valid_b)
                totals = totals + torch.stack([(losses_b * valid_b).sum(), valid_b.sum()])
                self.runtime.sync()
            totals, counts = self.runtime.total(totals), self.runtime.total(confusion.counts)
            self.runtime.sync()
        loss_sum, samples = totals.cpu().tolist()
        if not np.isfinite(loss_sum):
            raise NonFiniteLossError(f"the validation loss of epoch {self.progress.epoch + 1} is not finite")
        return loss_sum / samples, counts_on_host(counts)

    def end_epoch(self, scores: EpochScores) -> None:
        """Notes the epoch, lowers the learning rate on a plateau, and saves: the best first, then the last."""
        progress = self.progress
        self._plateau.step(scores.validation_loss)
        progress.history.append(scores)
        progress.epoch, progress.step, progress.loss_sum = scores.epoch, 0, 0.0
        progress.learning_rate = self.learning_rate
        progress.plateau_best, progress.plateau_bad_epochs = self._plateau.best, self._plateau.num_bad_epochs
        best = max(progress.history, key=lambda epoch: epoch.foreground_dice)  # the first of equals
        improved = best.epoch == scores.epoch
        progress.best_epoch = best.epoch
        if improved and self.runtime.is_master:
            save_best(self.run.best, self._spec, self.network, scores)
        self.save()

    def save(self) -> None:
        """Writes the last checkpoint and how far the run is."""
        if not self.runtime.is_master:
            return
        save_last(self.run.last, self._spec, self.network, self.optimizer, self.progress)
        self.write_state()

    def write_state(self) -> None:
        """Writes how far the run is, as the last checkpoint has it."""
        state = RunState(
            fingerprint=self._fingerprint,
            epochs_done=self.progress.epoch,
            finished=self.progress.epoch == self.config.epochs,
            best_epoch=self.progress.best_epoch,
            history=self.progress.history,
        )
        write_state(self.run, state)

    @property
    def learning_rate(self) -> float:
        """The optimizer's, now."""
        return float(self.optimizer.param_groups[0]["lr"])

    def _decay_weights(self) -> None:
        """AdamW's decoupled weight decay (Loshchilov and Hutter 2019): weights times 1 - learning rate * decay.

        The optimizer's own would compile a second graph for the factor 1, which f32 rounds to at low learning rates.
        """
        with torch.no_grad():
            self.network.vector.mul_(self._from_host([1.0 - self.learning_rate * self.config.weight_decay]))

    def _losses(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        device = self.runtime.device
        mask_bhw = torch.from_numpy(batch.mask_bhw).to(device)
        with self.runtime.autocast(self.config.precision == "bf16"):
            logits_bchw = self.network(normalise(torch.from_numpy(batch.image_bhwc).to(device)))
        losses_b = sample_losses(logits_bchw, mask_bhw, self._class_weights_c, self.config.dice_weight)
        return losses_b, logits_bchw, mask_bhw, torch.from_numpy(batch.valid_b).to(device)

    def _start_or_resume(self) -> Progress:
        if self.resumed:
            return load_last(self.run.last, self.network, self.optimizer)
        fresh_state(self.network, self.optimizer)
        return Progress(learning_rate=self.config.learning_rate)

    def _make_plateau(self) -> ReduceLROnPlateau:
        plateau = ReduceLROnPlateau(
            self.optimizer, factor=self.config.plateau_factor, patience=self.config.plateau_patience
        )
        if self.progress.plateau_best is not None:
            plateau.best = self.progress.plateau_best
            plateau.num_bad_epochs = self.progress.plateau_bad_epochs
        return plateau

    def _zeros(self) -> Tensor:
        return self._from_host([0.0, 0.0])

    def _from_host(self, values: Sequence[float]) -> Tensor:
        """Sent from the host: values that are made on the device would be part of the compiled graph."""
        return torch.tensor(values, dtype=torch.float32).to(self.runtime.device)
