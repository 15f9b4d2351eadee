"""Where a training stops that is asked to: agreed on its host, so that the device's programs know nothing of it.

Every replica passes the same points in the same order, at which all that was trained can be saved: before each step of
the optimizer, and before each batch of the validation. At a point a replica first writes which one it is, and then
looks for a request to stop. The launcher, once there is a request, reads how far all have come and names the point at
which they stop: two after the furthest, so that the step two ahead of the last finished one is the last.

No replica can be past it. Who is found at point p has looked for the request before it was there, or waits at p; at
p + 1 it looks again, finds the request, and waits there for the point's name. That holds for threads and processes of
one host, which see each other's files at once. Hosts of a slice may not: each has a request, a launcher and a point of
its own, and the launchers tell each other how far their replicas have come, see `HostsAgreement`.
"""

import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.store.atomic import write_text
from ecg_assets.training.runs.hosts_agreement import HostsAgreement
from ecg_assets.training.runs.run_folder import RunFolder

# Points from the furthest one seen to the one that is named.
AHEAD = 2
_LOOK_EVERY_S = 0.05
_ANSWERED_WITHIN_S = 120.0
# A process number, a point and seconds: always as many bytes, so that each write replaces the one before as a whole.
_SIGN = "{:>10d} {:>12d} {:>12.3f}\n"


class StopUnansweredError(RuntimeError):
    """There is a request to stop, and nobody names the point."""


class StopPoints:
    """One replica's: to be asked at each point, by all replicas alike."""

    def __init__(self, run: RunFolder, ordinal: int) -> None:
        """Starts before the first point.

        Args:
            run: of this host.
            ordinal: of the replica.
        """
        self._run = run
        self._file = run.heartbeats / str(ordinal)
        self._descriptor: int | None = None
        self._number = 0
        self._named: int | None = None
        self._slowest_s, self._left_at = 0.0, time.monotonic()

    def reached(self) -> bool:
        """Counts a point, and says whether the training is to stop here; waits while that is being agreed."""
        self._number += 1
        if self._number > 1:
            self._slowest_s = max(self._slowest_s, time.monotonic() - self._left_at)
        self._tell()
        if self._named is None and self._run.stop_request.exists():
            self._named = self._answer()
        self._left_at = time.monotonic()
        return self._named is not None and self._named <= self._number

    def _tell(self) -> None:
        if self._descriptor is None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o644)
        sign = _SIGN.format(os.getpid(), self._number, AHEAD * self._slowest_s)
        os.pwrite(self._descriptor, sign.encode("ascii"), 0)

    def _answer(self) -> int:
        deadline = time.monotonic() + _ANSWERED_WITHIN_S
        while not self._run.stop_point.exists():
            if time.monotonic() > deadline:
                raise StopUnansweredError(
                    f"{self._run.stop_request} asks to stop, but nobody has named the point within "
                    f"{_ANSWERED_WITHIN_S:g} s: who launched this training is gone; start it again, and it goes on "
                    "from the last checkpoint"
                )
            time.sleep(_LOOK_EVERY_S / 5)
        return int(self._run.stop_point.read_text("ascii"))


@dataclass(frozen=True)
class Sign:
    """What a replica has written.

    Attributes:
        pid: its process.
        point: the last one it has come to; 0 before the first.
        stop_s: seconds within which it stops when it is asked to, by its slowest step so far; 0 before its first one.
    """

    pid: int
    point: int
    stop_s: float


def read_signs(folder: Path) -> list[Sign]:
    """What the replicas of a folder of heartbeats have written."""
    signs = []
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            pid, *rest = path.read_text("ascii").split()
        except (OSError, ValueError):
            continue  # it has ended, or has just begun
        signs.append(Sign(int(pid), int(rest[0]), float(rest[1])) if len(rest) == 2 else Sign(int(pid), 0, 0.0))
    return signs


def seconds_to_stop(run_folder: Path) -> float:
    """Seconds that the steps of a training in this folder may need before they can be saved; 0 before its first one."""
    folders = [run_folder / "heartbeats", *run_folder.glob("hosts/*/heartbeats")]
    return max((sign.stop_s for folder in folders for sign in read_signs(folder)), default=0.0)


class StopNamer:
    """The launcher's: names the point when there is a request, from a thread of its own, as a context manager.

    Replicas in other processes that are still in their first step, and so have nothing to save, are ended instead:
    compiling that step may take minutes.

    Attributes:
        furthest: the point to which the furthest replica of all hosts had come; None while there was no request.
    """

    def __init__(self, run: RunFolder, hosts: int = 1) -> None:
        self._run, self._agreement = run, HostsAgreement(run, hosts)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stop-namer", daemon=True)
        self.furthest: int | None = None

    def __enter__(self) -> "StopNamer":
        self._run.stop_point.unlink(missing_ok=True)
        self.forget_replicas()
        self._agreement.begin()
        self._thread.start()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._ending.set()
        self._thread.join()
        self._run.stop_point.unlink(missing_ok=True)

    def forget_replicas(self) -> None:
        """Removes what replicas have written that are there no more: new ones count from the first point."""
        for path in self._run.heartbeats.iterdir() if self._run.heartbeats.is_dir() else ():
            path.unlink(missing_ok=True)

    def _watch(self) -> None:
        if not self._requested():
            return
        # Twice: a sign that is read while it is written may tell too little.
        signs = [*read_signs(self._run.heartbeats), *read_signs(self._run.heartbeats)]
        self.furthest = self._agreement.furthest_of_all(max((sign.point for sign in signs), default=0), self._ending)
        if self.furthest is None:
            return
        ends = self.furthest == 1 and {sign.pid for sign in signs} != {os.getpid()}
        if not ends:
            # Before the first point nobody has begun: all stop there.
            write_text(self._run.stop_point, f"{self.furthest + AHEAD if self.furthest else 1}\n")
        ended = {os.getpid()}
        while not self._ending.wait(_LOOK_EVERY_S):
            self._agreement.repeat()
            if ends:
                self._end_replicas(ended)
        self._agreement.end()

    def _requested(self) -> bool:
        """Waits for a request, of another host too; False where the training ends before."""
        while not self._run.stop_request.exists():
            if self._agreement.asked():
                self._run.stop_request.parent.mkdir(parents=True, exist_ok=True)
                self._run.stop_request.touch()
                return True
            if self._ending.wait(_LOOK_EVERY_S):
                return False
        return True

    def _end_replicas(self, ended: set[int]) -> None:
        """Those, too, that have given their first sign only now: they would wait for the others for ever."""
        for pid in {sign.pid for sign in read_signs(self._run.heartbeats)} - ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            ended.add(pid)
