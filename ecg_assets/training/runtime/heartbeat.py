"""Detects replicas that hang: each touches a file in every step, and a watchdog checks the files' age."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.training.runs.stop_point import read_signs


@dataclass(frozen=True)
class Silence:
    """A replica without a heartbeat for too long.

    Attributes:
        ordinal: the replica's index.
        seconds: since its last step.
    """

    ordinal: int
    seconds: float

    def __str__(self) -> str:
        return f"replica {self.ordinal} has made no step for {self.seconds:.0f} s"


class Heartbeats:
    """Files `<ordinal>` in a folder, each with the replica's process id, and later its `Sign`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def clear(self) -> None:
        """Removes all heartbeats."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in self.folder.iterdir():
            path.unlink()

    def beat(self, ordinal: int) -> None:
        """Writes a heartbeat of this process's replica."""
        path = self.folder / str(ordinal)
        try:
            os.utime(path)
        except FileNotFoundError:
            path.write_text(str(os.getpid()))

    def done(self, ordinal: int) -> None:
        """Removes the heartbeat of a replica that has ended normally."""
        (self.folder / str(ordinal)).unlink(missing_ok=True)

    def silent(self, timeout_s: float) -> Silence | None:
        """The replica silent for longest, if that is longer than `timeout_s`."""
        now, ages = time.time(), []
        for path in self.folder.iterdir():
            try:
                ages.append((now - path.stat().st_mtime, int(path.name)))
            except FileNotFoundError:
                continue  # it has just ended
        age, ordinal = max(ages, default=(0.0, 0))
        return Silence(ordinal, age) if age > timeout_s else None

    def processes(self) -> set[int]:
        """The replicas' process ids."""
        return {sign.pid for sign in read_signs(self.folder)}


class Watchdog:
    """Checks the heartbeats from its own thread, as a context manager, and calls `on_silence` once."""

    def __init__(self, heartbeats: Heartbeats, timeout_s: float, on_silence: Callable[[Silence], None]) -> None:
        self._heartbeats, self._timeout_s, self._on_silence = heartbeats, timeout_s, on_silence
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self.silence: Silence | None = None

    def __enter__(self) -> "Watchdog":
        self._heartbeats.clear()
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._ending.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ending.wait(min(5.0, self._timeout_s / 5)):
            self.silence = self._heartbeats.silent(self._timeout_s)
            if self.silence is not None:
                self._on_silence(self.silence)
                return
