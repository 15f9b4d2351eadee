"""Trains the network that finds traces on flat pages, in one process with plain torch; an interrupted run resumes.

The target is the share of a pixel that a thin trace covers (see `samples`), the loss its cross entropy. So the
probability is one half at the trace's edge, to a fraction of a pixel.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from torch.nn.functional import cross_entropy

from ecg_assets.digitize.trace_network.samples import UNKNOWN
from ecg_assets.store.log import Log
from ecg_assets.training.checkpoints.checkpoint import Progress, load_last_good, load_network, save_last
from ecg_assets.training.checkpoints.hashed_safetensors import write_sealed
from ecg_assets.training.models.compact_unet import CompactUNet, SegmentationNetwork, initialise, normalise
from ecg_assets.training.models.flat_parameters import FlatNetwork
from ecg_assets.training.models.registry import NetworkSpec

_BACKGROUND, _WAVE = 0, 1
_CLASSES = 2
_MOST = 254.0
_CLIP_NORM = 1.0


class WaveTraining(BaseModel):
    """Hyperparameters of the training."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=6000, ge=1, description="Total number of optimizer steps.")
    batch_size: int = Field(default=4, ge=1, description="Crops per step.")
    learning_rate: float = Field(default=1e-3, gt=0, description="Maximum learning rate; cosine decay to 0.")
    warmup_steps: int = Field(default=50, ge=0, description="Steps over which the learning rate rises.")
    weight_decay: float = Field(default=1e-4, ge=0, description="Weight decay of AdamW.")
    ema_decay: float = Field(default=0.998, ge=0, lt=1, description="Decay of the moving average of the weights.")
    widths: tuple[int, ...] = Field(
        default=(32, 48, 64, 96, 128), description="Channels of the compact U-Net's levels."
    )
    patch_px: int = Field(default=2, ge=1, description="Patch size of the compact U-Net, in pixels.")
    seed: int = Field(default=0, ge=0, description="Seed of initial weights and sample order.")
    save_every: int = Field(default=250, ge=1, description="Steps between checkpoints, each with a validation.")
    log_every: int = Field(default=50, ge=1, description="Steps between log lines.")


def train_wave_network(
    train: Sequence[Path],
    validation: Sequence[Path],
    run: Path,
    config: WaveTraining,
    start_from: Path | None,
    log: Log,
) -> Path:
    """Trains to the end, or resumes from the run's last checkpoint.

    Args:
        train, validation: files of crops, see `dataset`.
        run: folder of the run.
        config: hyperparameters.
        start_from: a checkpoint of a segmentation network of the same size with the initial weights.
        log: receives lines.

    Returns:
        The checkpoint with the least validation loss.

    Raises:
        CheckpointError: a checkpoint cannot be used.
    """
    run.mkdir(parents=True, exist_ok=True)
    spec = NetworkSpec(classes=_CLASSES, widths=config.widths, patch_px=config.patch_px)
    network = FlatNetwork(_first(spec, config.seed, start_from), torch.device("cpu"))
    optimizer = torch.optim.AdamW([network.vector], lr=config.learning_rate, weight_decay=config.weight_decay)
    last, previous, best = (run / name for name in ("last.safetensors", "previous.safetensors", "best.safetensors"))
    loaded = load_last_good(last, previous, network, optimizer, log)
    progress, average = (loaded.progress, loaded.ema) if loaded else (Progress(), None)
    average = network.vector.detach().clone() if average is None else average
    least = float(progress.rates["least"]) if progress.rates else float("inf")
    pieces = _Pieces(train, config)
    total, counted = 0.0, 0
    for step in range(progress.step, config.steps):
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, config)
        loss = _loss(network(normalise(torch.from_numpy(pieces.image(step)))), pieces.trace(step))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([network.vector], _CLIP_NORM)
        optimizer.step()
        average.lerp_(network.vector.detach(), 1 - min(config.ema_decay, (step + 1) / (step + 10)))
        total, counted = total + float(loss.detach()), counted + 1
        if (step + 1) % config.log_every == 0:
            log(f"step {step + 1} of {config.steps}: loss {total / counted:.5f}")
            total, counted = 0.0, 0
        if (step + 1) % config.save_every == 0 or step + 1 == config.steps:
            found = _validation_loss(network, average, validation, config)
            log(f"step {step + 1} of {config.steps}: validation loss {found:.5f}")
            if found < least:
                least = found
                write_sealed(best, network.named(average), {"network": spec.model_dump_json()})
            progress = Progress(step=step + 1, rates={"least": least})
            save_last(last, previous, spec, network, average, optimizer, progress)
    return best


class _Pieces:
    """Batches by step: a step always has the same crops."""

    def __init__(self, files: Sequence[Path], config: WaveTraining) -> None:
        self._files, self._config = files, config
        self._held: tuple[int, npt.NDArray[np.uint8]] | None = None

    def image(self, step: int) -> npt.NDArray[np.uint8]:
        """(b, h, w, 3) uint8 RGB."""
        return np.ascontiguousarray(self._batch(step)[..., :3])

    def trace(self, step: int) -> npt.NDArray[np.uint8]:
        """(b, h, w) uint8, see `FlatPair`."""
        return np.ascontiguousarray(self._batch(step)[..., 3])

    def _batch(self, step: int) -> npt.NDArray[np.uint8]:
        if self._held is None or self._held[0] != step:
            rng = np.random.default_rng([self._config.seed, step])
            chosen = rng.integers(len(self._files), size=self._config.batch_size)
            self._held = (step, np.stack([self._one(self._files[int(place)], rng) for place in chosen]))
        return self._held[1]

    def _one(self, path: Path, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
        pieces = np.load(path, mmap_mode="r")
        return np.asarray(pieces[int(rng.integers(len(pieces)))])


def _first(spec: NetworkSpec, seed: int, start_from: Path | None) -> SegmentationNetwork:
    network = spec.build()
    initialise(network, seed)
    if start_from is not None:
        _take_over(network, load_network(start_from))
    return network.train()


def _take_over(network: SegmentationNetwork, other: SegmentationNetwork) -> None:
    """Loads all weights of a network with more classes; of its last layer only those of background and wave."""
    if not isinstance(network, CompactUNet) or not isinstance(other, CompactUNet):
        raise TypeError("only a compact U-Net's weights can be taken over")
    side = network.patch_px**2
    kept = [0, other.classes - 1]
    rows = torch.cat([torch.arange(place * side, (place + 1) * side) for place in kept])
    weights = dict(other.state_dict())
    for name in ("head.weight", "head.bias"):
        weights[name] = weights[name][rows]
    network.load_state_dict(weights)


def _loss(logits_bchw: Tensor, trace_bhw: npt.NDArray[np.uint8]) -> Tensor:
    """Mean cross entropy with the covered share, in nats, over pixels whose share is known."""
    trace = torch.from_numpy(trace_bhw)
    share = trace.float() / _MOST
    wanted = torch.stack([1 - share, share], dim=1).clamp(0, 1)
    each = cross_entropy(logits_bchw, wanted, reduction="none")
    known = (trace != UNKNOWN).float()
    return (each * known).sum() / known.sum().clamp(min=1)


def _rate(step: int, config: WaveTraining) -> float:
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    done = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return float(config.learning_rate * 0.5 * (1 + np.cos(np.pi * done)))


def _validation_loss(network: FlatNetwork, average: Tensor, files: Sequence[Path], config: WaveTraining) -> float:
    network.train(False)
    losses = []
    with torch.inference_mode():
        for path in files:
            pieces = np.load(path)[:: max(1, 24 // config.batch_size)]
            logits = network(normalise(torch.from_numpy(np.ascontiguousarray(pieces[..., :3]))), average)
            losses.append(float(_loss(logits, np.ascontiguousarray(pieces[..., 3]))))
    network.train(True)
    return float(np.mean(losses))
