"""A real GCS emulator on loopback that can be told to fail: 503s, bodies cut in the middle, writes in the middle.

gcp-storage-emulator knows no preconditions; they are checked here as the real service does, under one lock with the
write that they guard.
"""

import io
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlparse

import pytest
from gcp_storage_emulator.handlers.buckets import create_bucket  # type: ignore[import-untyped,unused-ignore]
from gcp_storage_emulator.server import RequestHandler  # type: ignore[import-untyped,unused-ignore]
from gcp_storage_emulator.storage import Storage  # type: ignore[import-untyped,unused-ignore]

BUCKET = "ecg-test"
_OBJECT = re.compile(r"(?:/upload|/download)?/storage/v1/b/[^/]+/o(?:/(?P<name>.+))?")

Kind = Literal["list", "find", "read", "put", "delete", "other"]


class Request:
    """What a client asks for.

    Attributes:
        kind: list, find (metadata), read (a body), put, delete; other for what is no object.
        name: the object's; empty for a list.
        method: of HTTP.
        first_byte: where a read begins.
    """

    def __init__(self, method: str, url: str, headers: Any, body: bytes) -> None:
        self.method = method
        parsed = urlparse(url)
        self.query = parse_qs(parsed.query)
        found = _OBJECT.fullmatch(parsed.path)
        self.name = unquote((found and found["name"]) or "") or self.query.get("name", [""])[0]
        if not self.name and (said := re.search(rb'"name": *"([^"]+)"', body[:2000])):
            self.name = said[1].decode()  # of an upload in one request
        ranged = re.match(r"bytes=(\d+)-", headers.get("Range") or "")
        self.first_byte = int(ranged[1]) if ranged else 0
        kinds: dict[str, Kind] = {"POST": "put", "PUT": "put", "DELETE": "delete"}
        read: Kind = "read" if self.query.get("alt") == ["media"] else "find"
        self.kind: Kind = kinds.get(method, "list" if not self.name else read) if found else "other"


# A fault is given each request; it returns a status to answer with, ("cut", n) to end the body after n bytes, or None.
Fault = Callable[[Request], int | tuple[Literal["cut"], int] | None]


class Emulator:
    """One bucket, `BUCKET`.

    Attributes:
        fault: decides about each request.
        seen: all requests that came, in order.
        host: for STORAGE_EMULATOR_HOST.
    """

    def __init__(self) -> None:
        self.storage = Storage(use_memory_fs=True)
        create_bucket(BUCKET, self.storage)
        self.lock = threading.RLock()
        self.fault: Fault = lambda request: None
        self.seen: list[Request] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._server.daemon_threads = True
        self.host = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def names(self) -> list[str]:
        """All objects."""
        return sorted(self.storage.objects.get(BUCKET, {}))

    def generation(self, name: str) -> int:
        """Of an object; 0 when it is not there."""
        found = self.storage.objects.get(BUCKET, {}).get(name)
        return int(found["generation"]) if found else 0

    def counts(self) -> Counter[str]:
        """How many requests for objects came, of each kind."""
        return Counter(request.kind for request in self.seen if request.kind != "other")

    def put(self, name: str, content: bytes) -> None:
        """Writes an object with the real client, past all faults."""
        from google.cloud import storage  # type: ignore[import-untyped,unused-ignore]

        fault, self.fault = self.fault, lambda request: None
        kept = list(self.seen)
        storage.Client().bucket(BUCKET).blob(name).upload_from_string(content)
        self.fault, self.seen = fault, kept

    def forget(self) -> None:
        """Drops what was seen."""
        self.seen = []


class _Handler(RequestHandler):  # type: ignore[misc]
    def __init__(self, emulator: Emulator, *args: Any) -> None:
        self.emulator = emulator
        super().__init__(emulator.storage, *args)

    def _serve(self, method: str, go: Callable[[], None]) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.rfile: Any = io.BytesIO(body)
        request = Request(method, self.path, self.headers, body)
        self.emulator.seen.append(request)
        answer = self.emulator.fault(request)
        if isinstance(answer, int):
            self._refuse(answer)
            return
        if answer is not None:
            self.wfile: Any = _Cut(self.wfile, answer[1])
        with self.emulator.lock:
            if self._precondition_fails(request):
                self._refuse(412)
                return
            go()
        self.close_connection = True

    def _precondition_fails(self, request: Request) -> bool:
        wanted = request.query.get("ifGenerationMatch")
        return wanted is not None and int(wanted[0]) != self.emulator.generation(request.name)

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.close_connection = True


def _served(method: str) -> Callable[[_Handler], None]:
    """`do_<method>` of the emulator, behind what the test wants to go wrong."""
    return lambda handler: handler._serve(method, partial(getattr(RequestHandler, f"do_{method}"), handler))


for _method in ("GET", "POST", "PUT", "DELETE"):
    setattr(_Handler, f"do_{_method}", _served(_method))


class _Cut:
    """Lets `length` bytes of a body through, then closes the connection as a broken network does."""

    def __init__(self, sink: Any, length: int) -> None:
        self._sink, self._left, self._headers = sink, length, True

    def write(self, data: bytes) -> int:
        if self._headers:  # they come in one write
            self._headers = False
            return int(self._sink.write(data))
        self._sink.write(data[: self._left])
        self._left = max(0, self._left - len(data))
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)


@contextmanager
def emulator_running(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """The emulator, with the environment that makes the real client use it, and waits of milliseconds."""
    running = Emulator()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.host)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setattr("ecg_assets.store.bucket.retry.WAITS_S", (0.01,) * 8)
    try:
        yield running
    finally:
        running.close()


def failing(times: int, status: int, *kinds: Kind) -> Fault:
    """The first `times` requests of these kinds fail with `status`."""
    left = [times]

    def fault(request: Request) -> int | None:
        if request.kind not in kinds or left[0] == 0:
            return None
        left[0] -= 1
        return status

    return fault
