"""Lets the hosts of a TPU slice agree on where to stop, through files in their shared folder.

Such a folder may show another host's write a minute late, and still contain files of hosts of an earlier training.
Therefore the protocol does not depend on timely reads: each host publishes its replicas' furthest point once, when they
already wait, and all compute the same result from all points. The files exist from the beginning and are opened anew
for each read, for which NFS returns the present content. A host's message counts once it has been seen to change, which
messages of former hosts do not.
"""

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ecg_assets.training.runs.run_folder import RunFolder

_SAY_EVERY_S = 0.2
_LEAVE_AFTER_S = 10.0
# A counter, the replicas' furthest point (-1: no stop requested), and whether all hosts were heard. The size is fixed,
# so that each write replaces the previous one completely.
_WORD = "{:>12d} {:>12d} {:>1d}\n"


@dataclass(frozen=True)
class _Word:
    turn: int
    furthest: int
    complete: bool


class HostsAgreement:
    """One host's side of the agreement, used by its launcher."""

    def __init__(self, run: RunFolder, hosts: int) -> None:
        """Does not write anything yet.

        Args:
            run: the run folder on this host.
            hosts: number of hosts that train together, this one included.
        """
        self._path = run.stop_agreement
        self._others = [RunFolder(run.path, host).stop_agreement for host in range(hosts) if host != run.host]
        self._first_turns: dict[Path, int] = {}
        self._living: set[Path] = set()
        self._turn, self._furthest, self._complete = 0, -1, False

    def begin(self) -> None:
        """Withdraws this host's message of an earlier training."""
        if self._others:
            self._say()

    def asked(self) -> bool:
        """Whether another host was asked to stop."""
        return any(word.furthest >= 0 for word in self._heard())

    def furthest_of_all(self, furthest: int, ending: threading.Event) -> int | None:
        """The furthest point of all hosts' replicas; None if this host ends before it has heard from all.

        Args:
            furthest: of this host, whose replicas wait at the next point at the latest.
            ending: set when this host has to stop waiting.
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
        """Writes the message again, for hosts that have not read it yet."""
        if self._others:
            self._say()

    def end(self) -> None:
        """Repeats the message for some seconds if a host has not heard from all."""
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
            os.close(descriptor)  # NFS writes the content on close

    def _heard(self) -> list[_Word]:
        """The last messages of the other hosts that train now."""
        words = []
        for path in self._others:
            try:
                turn, furthest, complete = map(int, path.read_text("ascii").split())
            except (OSError, ValueError):
                continue  # that host has not begun, or the file is being written
            if turn != self._first_turns.setdefault(path, turn):
                self._living.add(path)
            if path in self._living:
                words.append(_Word(turn, furthest, bool(complete)))
        return words
