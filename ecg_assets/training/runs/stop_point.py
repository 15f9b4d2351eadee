"""Agrees on the point at which all replicas of a host stop on request, without changing the device's programs.

Every replica passes the same points in the same order: before each optimizer step and before each validation batch. At
each point everything trained so far can be saved. At a point a replica first writes its number, and then checks for a
stop request. Once there is a request, the launcher reads the replicas' points and names the one at which they stop: two
after the furthest, so that the step two ahead of the last finished one is the last.

No replica can be past it. A replica seen at point p has checked before the request existed, or waits at p; at p + 1 it
checks again, finds the request, and waits there for the stop point. That holds for threads and processes of one host,
which see each other's files at once. Hosts of a slice may not: each has its own request, launcher and stop point, and
the launchers exchange their replicas' points, see `HostsAgreement`.
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

# Distance from the furthest point seen to the stop point.
AHEAD = 2
_LOOK_EVERY_S = 0.05
_ANSWERED_WITHIN_S = 120.0
# A process id, a point and seconds. The size is fixed, so that each write replaces the previous one completely.
_SIGN = "{:>10d} {:>12d} {:>12.3f}\n"


class StopUnansweredError(RuntimeError):
    """There is a request to stop, but the launcher does not name the stop point."""


class StopPoints:
    """One replica's side of the agreement; every replica calls it at each point."""

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
        """Counts a point, and returns whether the training stops here; waits while that is being agreed."""
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
    """A replica's last message.

    Attributes:
        pid: its process.
        point: the last point it has reached; 0 before the first.
        stop_s: seconds within which it stops on request, from its slowest step so far; 0 before its first step.
    """

    pid: int
    point: int
    stop_s: float


def read_signs(folder: Path) -> list[Sign]:
    """The messages of the replicas in a folder of heartbeats."""
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
    """The launcher's side: names the stop point after a request, from its own thread, as a context manager.

    Replicas in other processes that are still in their first step have nothing to save and are ended instead, because
    compiling that step may take minutes.

    Attributes:
        furthest: the furthest point of all hosts' replicas; None before a request.
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
        """Removes messages of ended replicas, because new ones count from the first point."""
        for path in self._run.heartbeats.iterdir() if self._run.heartbeats.is_dir() else ():
            path.unlink(missing_ok=True)

    def _watch(self) -> None:
        if not self._requested():
            return
        # Read twice, because a sign read while it is written may show an older point.
        signs = [*read_signs(self._run.heartbeats), *read_signs(self._run.heartbeats)]
        self.furthest = self._agreement.furthest_of_all(max((sign.point for sign in signs), default=0), self._ending)
        if self.furthest is None:
            return
        ends = self.furthest == 1 and {sign.pid for sign in signs} != {os.getpid()}
        if not ends:
            # No replica has reached a point: all stop at the first.
            write_text(self._run.stop_point, f"{self.furthest + AHEAD if self.furthest else 1}\n")
        ended = {os.getpid()}
        while not self._ending.wait(_LOOK_EVERY_S):
            self._agreement.repeat()
            if ends:
                self._end_replicas(ended)
        self._agreement.end()

    def _requested(self) -> bool:
        """Waits for a request, also of another host; False if the training ends before."""
        while not self._run.stop_request.exists():
            if self._agreement.asked():
                self._run.stop_request.parent.mkdir(parents=True, exist_ok=True)
                self._run.stop_request.touch()
                return True
            if self._ending.wait(_LOOK_EVERY_S):
                return False
        return True

    def _end_replicas(self, ended: set[int]) -> None:
        """Ends all replicas, also late ones with their first sign, which would wait for the others for ever."""
        for pid in {sign.pid for sign in read_signs(self._run.heartbeats)} - ended:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            ended.add(pid)
