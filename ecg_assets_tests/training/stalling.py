"""A plain trainer that hangs twice, in its first epoch: `python -m ecg_assets_tests.training.stalling RUN_FOLDER`."""

import os
import time
from collections.abc import Sequence

from ecg_assets.training import trainer
from ecg_assets.training.data.batches import DeviceBatch
from ecg_assets.training.loop import train_loop as loop
from ecg_assets.training.loop.replica import Replica

HANGS_AT, TIMES = 8, 2


class Stalling(Replica):
    """Its last sign of life is made an hour old when it hangs: nobody has to wait."""

    def train_step(self, step: int, batches: Sequence[DeviceBatch]) -> None:
        hung = self.run.path / "hung"
        times = hung.read_text() if hung.exists() else ""
        if step == HANGS_AT and len(times) < TIMES:
            hung.write_text(times + "x")
            hour_ago = time.time() - 3600
            os.utime(self.run.heartbeats / "0", (hour_ago, hour_ago))
            time.sleep(10_000)
        super().train_step(step, batches)


if __name__ == "__main__":
    loop.Replica = Stalling  # type: ignore[attr-defined]
    trainer.main()
