"""One worker process that processes items one after the other, and the pipe to it.

The parent holds only the pipe: no thread, lock or queue. So the worker can be killed at any moment, and nothing in the
parent waits for it, also at the end of a process that is itself a child of `multiprocessing`.
"""

import os
import signal
import threading
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from typing import Any, NoReturn

from ecg_assets.store.compute.parent_death import end_with_parent
from ecg_assets.store.compute.spawn import BareContext

_END_WITHIN_S = 5.0


class WorkerDiedError(RuntimeError):
    """A worker process ended before its work; the message says how."""


class WorkerSideError(Exception):
    """The worker's traceback of an error; the cause of the same error in the parent."""


class WorkerProcess:
    """A worker process. Create it while interrupts are held, and end it by `kill` or `finish`."""

    def __init__(self, function: bytes) -> None:
        """Starts the process.

        Args:
            function: pickled; called with each item.
        """
        context = BareContext()
        self.connection, theirs = context.Pipe()
        # A daemon ends with this process, even if it was not ended explicitly.
        self._process = context.Process(target=_serve, args=(theirs, function, os.getpid()), daemon=True)
        try:
            self._process.start()
        finally:
            theirs.close()
        self.held = 0

    def give(self, item: object) -> None:
        """Sends an item; the worker takes it from the pipe at once, even while it works.

        Raises:
            WorkerDiedError: the worker has died.
        """
        try:
            self.connection.send(item)
        except OSError as error:
            raise self._died() from error
        self.held += 1

    def take(self) -> Any:
        """Waits for a result and returns it.

        Raises:
            WorkerDiedError: the worker has died.
            The function's exception.
        """
        try:
            answer = self.connection.recv_bytes()
        except (EOFError, OSError) as error:  # OSError: in the middle of its answer
            raise self._died() from error
        self.held -= 1
        result, raised, where = ForkingPickler.loads(answer)
        if raised is not None:
            raise raised from WorkerSideError(where)
        return result

    def finish(self) -> None:
        """Lets the worker end when it has no items left, and waits for that."""
        self.connection.close()
        self._process.join(_END_WITHIN_S)
        self.kill()

    def kill(self) -> None:
        """Kills the worker immediately, and waits for its end."""
        self.connection.close()
        self._process.kill()
        self._process.join(_END_WITHIN_S)

    def _died(self) -> WorkerDiedError:
        self._process.join(_END_WITHIN_S)
        code = self._process.exitcode
        killed = code is not None and code < 0
        how = f"signal {-code} ({signal.strsignal(-code)})" if killed and code is not None else f"exit code {code}"
        advice = "memory may have run out: set ECG_WORKERS to a smaller number" if killed else "its stderr says why"
        return WorkerDiedError(f"worker process {self._process.pid} was terminated abruptly, by {how}; {advice}")


def _serve(connection: Connection, function: bytes, parent_pid: int) -> None:
    """The worker's main function. It ignores Ctrl-C, because the parent ends all workers together."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent(parent_pid)
    items: SimpleQueue[bytes | None] = SimpleQueue()
    threading.Thread(target=_receive, args=(connection, items), name="items", daemon=True).start()
    call = _unpickled(function)
    while (item := items.get()) is not None:
        connection.send_bytes(_answer(call, item))


def _receive(connection: Connection, items: "SimpleQueue[bytes | None]") -> None:
    """Empties the pipe, so that parent and worker never both wait to send."""
    try:
        while True:
            items.put(connection.recv_bytes())
    except (EOFError, OSError):
        items.put(None)  # the parent has closed its end


def _unpickled(function: bytes) -> Callable[[Any], Any]:
    try:
        call: Callable[[Any], Any] = ForkingPickler.loads(function)
    except Exception as error:
        return partial(_raise, error)
    return call


def _raise(error: Exception, item: object) -> NoReturn:
    raise error


def _answer(call: Callable[[Any], Any], item: bytes) -> bytes:
    """(result, None, "") or (None, the error, its traceback), pickled."""
    try:
        return bytes(ForkingPickler.dumps((call(ForkingPickler.loads(item)), None, "")))
    except BaseException as error:
        where = f"\n{traceback.format_exc()}"
        try:
            answer = bytes(ForkingPickler.dumps((None, error, where)))
            ForkingPickler.loads(answer)  # errors whose `__init__` needs more than the message cannot be unpickled
        except Exception:
            return bytes(ForkingPickler.dumps((None, RuntimeError(f"{type(error).__name__}: {error}"), where)))
        return answer
