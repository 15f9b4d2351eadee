"""Computes one training step: the gradients of a batch, one micro-batch at a time, and the optimizer's step."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from ecg_assets.training.config import TrainConfig
from ecg_assets.training.data.augmentation import turned
from ecg_assets.training.data.batches import DeviceBatch
from ecg_assets.training.loop.adamw import adamw_step
from ecg_assets.training.loop.losses import LossTerms, sample_losses
from ecg_assets.training.loop.nonfinite_detector import Watch
from ecg_assets.training.models.compact_unet import SegmentationNetwork, normalise
from ecg_assets.training.models.flat_parameters import FlatNetwork
from ecg_assets.training.runtime.base import Runtime


class TrainingStep:
    """A replica's network, optimizer and moving average of the weights, and the computations on them.

    Under XLA a step consists of two kinds of graphs: one adds a micro-batch's gradients to the previous ones, the other
    averages them over the replicas and updates the weights. Memory holds one micro-batch at a time, there is one
    collective for any number of micro-batches, and the first graph, which takes minutes to compile, is the same for any
    number of replicas.

    Attributes:
        network: the network in training.
        optimizer: AdamW on its weights, without weight decay.
        ema: the weights' moving average; None if the config does not use one.
        bf16: whether the network computes in bf16.
        class_weights_c: of the cross entropy, (classes,) f32 on the device.
        watch: statistics of losses and gradients.
    """

    def __init__(
        self, config: TrainConfig, runtime: Runtime, network: SegmentationNetwork, class_weights: Sequence[float]
    ) -> None:
        """Copies the network's present weights to the runtime's device."""
        self._config, self._runtime, self._terms = config, runtime, LossTerms.of(config)
        if config.remat == "blocks":
            network.recompute = runtime.recomputed
        self.network = FlatNetwork(network, runtime.device)
        # Its weight decay is applied by `_decay_weights`.
        self.optimizer = torch.optim.AdamW([self.network.vector], config.learning_rate, weight_decay=0.0, foreach=False)
        self.class_weights_c = self.from_host(class_weights)
        self.ema: Tensor | None = None
        self.bf16 = config.precision == "bf16"
        self.watch = Watch(runtime, config.batch_size)

    @property
    def learning_rate(self) -> float:
        """The optimizer's present learning rate."""
        return float(self.optimizer.param_groups[0]["lr"])

    def forget(self) -> None:
        """Drops accumulated gradients and the statistics of losses."""
        self._zero_gradients()
        self.watch.reset()

    def add_gradients(self, batch: DeviceBatch) -> Tensor:
        """Adds a micro-batch's gradients to the accumulated ones, and ends a graph.

        The gradients are those of the mean loss over `batch_size` samples and `accumulate` batches.

        Returns:
            (b,) f32: the samples' losses.
        """
        losses_b = self._losses(batch, None)[0]
        share = 1.0 / (self._config.batch_size * self._config.accumulate)
        (losses_b.sum() * share).backward()  # type: ignore[no-untyped-call]
        losses_b = losses_b.detach()
        self._runtime.sync()
        return losses_b

    def note(self, step: int, losses: Sequence[Tensor]) -> None:
        """Records the losses of a batch without an optimizer step, and ends a graph."""
        self.watch.note(step, torch.cat(list(losses)), self.from_host([0.0])[0])
        self._runtime.sync()

    def optimize(self, step: int, losses: Sequence[Tensor], learning_rate: float) -> None:
        """Averages the gradients over the replicas, updates the weights, and ends a graph.

        Args:
            step: of the epoch, under which losses and the gradient's norm are recorded.
            losses: of the batch's micro-batches, as returned by `add_gradients`.
            learning_rate: of this step.
        """
        config, vector = self._config, self.network.vector
        self._runtime.reduce_gradients(self.optimizer)
        norm = clip_grad_norm_([vector], config.clip_norm, foreach=False)
        self.watch.note(step, torch.cat(list(losses)), norm.detach())
        self.optimizer.param_groups[0]["lr"] = learning_rate
        with torch.no_grad():
            self._decay_weights()
            if self._runtime.kind == "xla":
                adamw_step(self.optimizer, vector)
            else:
                self.optimizer.step()
            if self.ema is not None:
                self.ema = torch.lerp(vector.detach(), self.ema, config.ema_decay)
        self._zero_gradients()
        self._runtime.sync()

    def validate(self, batch: DeviceBatch) -> tuple[Tensor, Tensor]:
        """Losses, (b,) f32, and classes, (b, h, w) uint8, with the moving average of the weights if there is one.

        Call it without gradients; the caller ends the graph.
        """
        losses_b, logits_bchw = self._losses(batch, self.ema)
        return losses_b, logits_bchw.argmax(dim=1).to(torch.uint8)

    def average_buffers(self) -> None:
        """Averages BatchNorm's running statistics over the replicas, each of which has seen other samples."""
        running, world_size = self.network.running, self._runtime.world_size
        if not running or world_size == 1:
            return
        with torch.no_grad():
            for name, buffer in running.items():
                self.network.buffers[name] = self._runtime.total(buffer) / world_size
            self._runtime.sync()

    def from_host(self, values: Sequence[float]) -> Tensor:
        """Values sent from the host, because values created on the device would become part of the compiled graph."""
        return torch.tensor(values, dtype=torch.float32).to(self._runtime.device)

    def _losses(self, batch: DeviceBatch, vector: Tensor | None) -> tuple[Tensor, Tensor]:
        image_bhwc, mask_bhw, config = batch.image_bhwc, batch.mask_bhw, self._config
        if config.turned and torch.is_grad_enabled():
            image_bhwc, mask_bhw = turned(image_bhwc, mask_bhw, batch.way_b, config.classes)
        with self._runtime.autocast(self.bf16):
            logits_bchw = self.network(normalise(image_bhwc), vector)
        return sample_losses(logits_bchw, mask_bhw, self.class_weights_c, self._terms), logits_bchw

    def _zero_gradients(self) -> None:
        # Zeros instead of None, so that the first micro-batch has the same graph as the others.
        self.network.vector.grad = torch.zeros_like(self.network.vector)

    def _decay_weights(self) -> None:
        """AdamW's decoupled weight decay (Loshchilov and Hutter 2019): weights times 1 - learning rate * decay.

        The optimizer's own decay would compile a second graph for the factor 1, to which f32 rounds low learning rates.
        """
        self.network.vector.mul_(self.from_host([1.0 - self.learning_rate * self._config.weight_decay]))
