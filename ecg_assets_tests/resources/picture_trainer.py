"""A trainer that tells one epoch and the picture of it, and one picture that is gone."""

import sys
import time
from pathlib import Path

import numpy as np
from dagster_pipes import open_dagster_pipes
from PIL import Image

from ecg_assets.resources.pipes_trainer import tell
from ecg_assets.training.runs.events import Event

EPOCH = {
    "epoch": 1,
    "loss": 0.5,
    "learning_rate": 1e-3,
    "dice": {"wave": 0.9, "grid": None},
    "f_1px": {"wave": 0.95},
    "intersection_f_3px": 0.99,
    "confusion": {"wave": {"wave": 9, "grid": 1}, "grid": {"wave": 0, "grid": 7}},
    "samples_per_s": 12.5,
    "data_wait_share": 0.02,
}


def main() -> None:
    folder = Path(sys.argv[1])
    noise = np.random.default_rng(0).integers(255, size=(1100, 1500, 3), dtype=np.uint8)
    (folder / "pictures").mkdir()
    Image.fromarray(noise).save(folder / "pictures" / "epoch_1.png")
    with open_dagster_pipes() as pipes:
        tell(pipes, Event(kind="epoch", message="epoch 1", values=EPOCH, time=time.time()))
        for number in (1, 2):
            values = {"picture": f"pictures/epoch_{number}.png", "epoch": number}
            tell(pipes, Event(kind="log", message=f"picture {number}", values=values, time=time.time()))
        tell(pipes, Event(kind="log", message="step 5", values={"step": 5, "loss": 0.1}, time=time.time()))


if __name__ == "__main__":
    main()
