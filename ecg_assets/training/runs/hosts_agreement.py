"""Hosts of a TPU slice agree on where they stop, by files of the folder that they share.

Such a folder may show what another host wrote a minute late, and what a host left behind that trained here before. So
nobody relies on seeing a word in time, only in the end: each host says once how far its replicas have come, when they
wait already, and each finds out the same from all of them. Files are there from the beginning and are opened anew each
time, which NFS answers with what is in them now; and a word counts once it has been seen to change, which those of
hosts that are no more do not.
"""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.training.runs.run_folder import RunFolder

_SAY_EVERY_S = 0.2
_LEAVE_AFTER_S = 10.0
# A turn, how far the replicas are (-1: nobody has asked), and whether all hosts were heard: always as many bytes, so
# that each write replaces the one before as a whole.
_WORD = "{:>12d} {:>12d} {:>1d}\n"


@dataclass(frozen=True)
class _Word:
    turn: int
    furthest: int
    complete: bool


class HostsAgreement:
    """One host's part, for its launcher."""

    def __init__(self, run: RunFolder, hosts: int) -> None:
        """Says nothing yet.

        Args:
            run: as this host sees it.
            hosts: how many train together, this one included.
        """
        self._path = run.stop_agreement
        self._others = [RunFolder(run.path, host).stop_agreement for host in range(hosts) if host != run.host]
        self._first_turns: dict[Path, int] = {}
        self._living: set[Path] = set()
        self._turn, self._furthest, self._complete = 0, -1, False

    def begin(self) -> None:
        """Takes back what this host said when it trained here before."""
        if self._others:
            self._say()

    def asked(self) -> bool:
        """Whether another host was asked to stop."""
        return any(word.furthest >= 0 for word in self._heard())

    def furthest_of_all(self, furthest: int, ending: threading.Event) -> int | None:
        """The point to which the furthest replica of all hosts has come; None where this host ends before it heard all.

        Args:
            furthest: of this host, whose replicas wait at the next point at the latest.
            ending: set when this host is not to wait any longer.
        """
        self._furthest = furthest
        while True:
            reports = [word.furthest for word in self._heard() if word.furthest >= 0]
            self._complete = len(reports) == len(self._others)
            if self._complete:
                return max([furthest, *reports])
            self._say()
            if ending.wait(_SAY_EVERY_S):
                return None

    def repeat(self) -> None:
        """Says it once more, for hosts that have not heard it yet."""
        if self._others:
            self._say()

    def end(self) -> None:
        """Goes on saying it for some seconds where a host has not heard all."""
        deadline = time.monotonic() + _LEAVE_AFTER_S
        while sum(word.complete for word in self._heard()) < len(self._others) and time.monotonic() < deadline:
            self._say()
            time.sleep(_SAY_EVERY_S)

    def _say(self) -> None:
        self._turn += 1
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            word = _WORD.format(self._turn, self._furthest, self._complete)
            os.pwrite(descriptor, word.encode("ascii"), 0)
        finally:
            os.close(descriptor)  # NFS writes it out then

    def _heard(self) -> list[_Word]:
        """The last words of the other hosts that train now."""
        words = []
        for path in self._others:
            try:
                turn, furthest, complete = map(int, path.read_text("ascii").split())
            except (OSError, ValueError):
                continue  # it has not begun, or is being written
            if turn != self._first_turns.setdefault(path, turn):
                self._living.add(path)
            if path in self._living:
                words.append(_Word(turn, furthest, bool(complete)))
        return words
