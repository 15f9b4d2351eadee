"""What feeds a training: batches of whole samples, made ahead by the loader's threads, nothing else running."""

import itertools

from benchmarks.measure import in_turns
from ecg_assets.samples.reader import SampleReader
from ecg_assets.store.root import DataRoot
from ecg_assets.training.config import load_config
from ecg_assets.training.data.batches import TrainBatches

_STEPS = 16


def loading(root: DataRoot, rounds: int) -> list[tuple[str, str, str]]:
    """Samples a second and core, of 512 px, as `grid_5class` asks for them; the dataset must be there."""
    config = load_config("grid_5class").model_copy(update={"steps_per_epoch": _STEPS, "batch_size": 8})
    batches, epochs = TrainBatches(SampleReader(root.dataset, "train"), config, 0, 1), itertools.count()

    def one_epoch() -> None:
        for _, batch in batches.epoch(next(epochs)):
            if batch.image_bhwc.shape[1:] != (512, 512, 3):
                raise ValueError(f"batches are {batch.image_bhwc.shape}, expected samples of 512 px")

    taken = in_turns({"epoch": one_epoch}, rounds)["epoch"].median_s / (_STEPS * config.batch_size)
    return [("training samples of 512 px loaded a second and core", f"{1 / taken:.0f}", "at least 100")]
