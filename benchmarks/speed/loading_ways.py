"""Threads against DataLoader's processes as what feeds a training.

    python -m benchmarks.speed.loading_ways [--rounds 9]

Samples of 512 px a second by the clock, and a second of CPU time of all processes together, from the dataset of a data
root (ECG_ASSETS_DATA), as `grid_5class` asks for them. Both make the same batches; whoever takes one copies its pixels
once, as an upload does. The ways take turns, so that a busy machine slows all of them alike, and processes are there
before their time begins.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import click
import psutil

from benchmarks.measure import in_turns
from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.root import DataRoot, open_root
from ecg_assets.training.config import TrainConfig, load_config
from ecg_assets.training.data.batches import TrainBatches

_BATCH, _STEPS = 8, 24  # of all workers together


@click.command()
@click.option("--rounds", default=9, show_default=True, type=click.IntRange(min=2))
def main(rounds: int) -> None:
    """Measure 1 and 2 workers of each kind."""
    root, ways = open_root(), dict[str, Callable[[], object]]()
    for workers in (1, 2):
        ways[f"threads, {workers}"] = partial(_taken, _Threads(root, workers))
        ways[f"processes, {workers}"] = partial(_taken, _processes(root, workers))
    for clock, second in ((time.perf_counter, "second"), (_cpu_s, "second of CPU time")):
        for name, times in in_turns(ways, rounds, clock).items():
            slow, median, fast = (_STEPS * _BATCH / seconds for seconds in (times.high_s, times.median_s, times.low_s))
            click.echo(f"{name}: {median:.0f} samples a {second} (quartiles {slow:.0f} to {fast:.0f})")


def _cpu_s() -> float:
    """Of this process and those that it has started."""
    children = (child.cpu_times() for child in psutil.Process().children(recursive=True))
    return time.process_time() + sum(taken.user + taken.system for taken in children)


def _config(workers: int, streams: int) -> TrainConfig:
    """For `streams` that share the steps, each made by `workers` threads."""
    changes = {"batch_size": _BATCH, "steps_per_epoch": _STEPS // streams, "loader_threads": workers}
    return load_config("grid_5class").model_copy(update=changes)


class _Threads:
    """What the trainer takes its batches from."""

    def __init__(self, root: DataRoot, workers: int) -> None:
        self._batches = TrainBatches(SampleReader(root.dataset, "train"), _config(workers, 1), 0, 1)

    def __iter__(self) -> Iterator[Sequence[object]]:
        return (batch.tensors() for _, batch in self._batches.epoch(0))


def _processes(root: DataRoot, workers: int) -> Iterable[Sequence[object]]:
    from torch.utils.data import DataLoader, IterableDataset, get_worker_info

    class Stream(IterableDataset[Sequence[object]]):
        """The batches of one worker: every `workers`-th of all. They come back as tensors in shared memory."""

        def __iter__(self) -> Iterator[Sequence[object]]:
            info = get_worker_info()
            assert info is not None
            reader = SampleReader(root.dataset, "train")
            batches = TrainBatches(reader, _config(1, workers), info.id, workers)
            return (batch.tensors() for _, batch in batches.epoch(0))

    return DataLoader(Stream(), batch_size=None, num_workers=workers, persistent_workers=True)


def _taken(feed: Iterable[Sequence[object]]) -> None:
    import torch

    count = 0
    for image_bhwc, *_ in feed:
        assert isinstance(image_bhwc, torch.Tensor)
        count += len(image_bhwc.clone())
        if image_bhwc.shape[1:] != (512, 512, 3):
            raise click.ClickException(f"batches are {tuple(image_bhwc.shape)}, expected samples of 512 px")
    assert count == _STEPS * _BATCH


if __name__ == "__main__":
    main()
