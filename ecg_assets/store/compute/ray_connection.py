"""Joins a Ray cluster as its driver while there is work."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_ANSWER_S = 5.0


class EngineError(RuntimeError):
    """Work cannot be sent to other machines; the message says what to do."""


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Yields the `ray` module, connected to the cluster at `address`; disconnects at the end.

    Args:
        address: `host:port` of the head, or `auto`.

    Raises:
        EngineError: Ray is not installed, or no cluster answers.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        raise EngineError(
            "Ray is not installed here: .venv/bin/pip install -c constraints.txt -e '.[cluster]', on every machine"
        ) from error
    if ray.is_initialized():
        raise EngineError("this process has joined a Ray cluster already: a run works on one stage at a time")
    _require_answer(address)
    with _own_signal_handlers():
        try:
            ray.init(address, log_to_driver=False, configure_logging=False, **_loopback(address))
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise EngineError(f"the Ray cluster {address!r} cannot be joined: {error}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _require_answer(address: str) -> None:
    """Checks that the head answers, because Ray itself tries silently for minutes to reach a missing head."""
    if address == "auto":
        return
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal():
        raise EngineError(
            f"the Ray address is {address!r}; expected auto, or host:port of the head (`ray start --head`)"
        )
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_S).close()
    except OSError as error:
        raise EngineError(
            f"no Ray head answers at {address} ({error}): start it there with `ray start --head --port={port}`, and "
            "let this machine be one of the cluster's nodes"
        ) from error


def _loopback(address: str) -> dict[str, Any]:
    """Sets the loopback address, because Ray uses this machine's outer address, unknown to a cluster on loopback."""
    host = address.rpartition(":")[0]
    return {"_node_ip_address": host} if host.startswith("127.") else {}


@contextmanager
def _own_signal_handlers() -> Iterator[None]:
    """Restores the signal handlers after joining, because Ray replaces the run's SIGTERM handler."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
