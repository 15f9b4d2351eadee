"""Reads and writes the objects of one bucket address through google.cloud.storage; transient errors are retried."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from ecg_assets.store.bucket.address import BucketAddress
from ecg_assets.store.bucket.retry import LOGIN_ADVICE, BucketError, CutOffError, ObjectMissingError, persistently
from ecg_assets.store.log import Log

ABSENT = 0  # as a generation to match: the object must not exist
TRANSFERS = 8  # at once; the client's connection pool holds ten
_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Listed:
    """An object as the bucket lists it.

    Attributes:
        name: below the address.
        generation: changes with every write.
        size: in bytes.
        crc32c, md5: base64; `md5` is None for composed objects.
        encoding: its Content-Encoding, or None.
        updated: when it was written; None if unknown.
    """

    name: str
    generation: int
    size: int
    crc32c: str | None
    md5: str | None
    encoding: str | None = None
    updated: datetime | None = None


def _default_client() -> Any:
    from google.cloud import storage  # type: ignore[import-untyped,unused-ignore]

    return storage.Client()


_factories: list[Callable[[], Any]] = [_default_client]


def use_client(factory: Callable[[], Any]) -> None:
    """Sets the factory of this process's `google.cloud.storage.Client`, instead of one with the default credentials."""
    _factories[:] = [factory]
    _client.cache_clear()


@cache
def _client(_emulator: str | None) -> Any:
    from google.auth.exceptions import DefaultCredentialsError

    try:
        return _factories[0]()
    except DefaultCredentialsError as error:
        raise BucketError(f"there are no Google credentials on this machine: {LOGIN_ADVICE}") from error


def shared_client() -> Any:
    """This process's client; created at the first call, and again if STORAGE_EMULATOR_HOST has changed.

    Raises:
        BucketError: there are no credentials; the message says how to get them.
    """
    import os

    return _client(os.environ.get("STORAGE_EMULATOR_HOST"))


@dataclass(frozen=True)
class BucketObjects:
    """Reads and writes objects below an address.

    Attributes:
        address: the methods' names are relative to it.
        log: receives a line for each failed attempt that is repeated.
        client: a `google.cloud.storage.Client`; None: this process's.
    """

    address: BucketAddress
    log: Log = field(repr=False)
    client: Any = field(default=None, repr=False)

    def told(self, name: str) -> str:
        """The full address of an object."""
        return f"gs://{self.address.bucket}/{self.address.object(name)}"

    def listing(self, below: str = "") -> list[Listed]:
        """All objects whose name begins with `below`, by name, without folder markers.

        Raises:
            BucketError: the bucket is missing, or access is denied.
        """
        prefix = self.address.object(below)
        skipped = len(self.address.object(""))

        def action() -> list[Listed]:
            blobs = self._bucket().client.list_blobs(
                self.address.bucket, prefix=prefix or None, retry=None, timeout=_TIMEOUT_S
            )
            return [_listed(blob, blob.name[skipped:]) for blob in blobs if not blob.name.endswith("/")]

        return persistently(action, str(self.address), self.log)

    def find(self, name: str) -> Listed | None:
        """One object in its present state, or None if it does not exist."""

        def action() -> Listed:
            blob = self._blob(name)
            blob.reload(retry=None, timeout=_TIMEOUT_S)
            return _listed(blob, name)

        try:
            return persistently(action, self.told(name), self.log)
        except ObjectMissingError:
            return None

    def read_range(self, name: str, generation: int, start: int, end: int, sink: BinaryIO) -> None:
        """Writes the bytes from `start` to before `end` of that generation to `sink`, in one attempt.

        Raises:
            The client's exceptions: 412 if the generation has changed; `CutOffError` for a short body.
        """
        before = sink.tell()
        self._blob(name).download_to_file(
            sink,
            start=start,
            end=end - 1,
            raw_download=True,
            if_generation_match=generation,
            checksum=None,
            retry=None,
            timeout=_TIMEOUT_S,
        )
        came = sink.tell() - before
        if came != end - start:
            raise CutOffError(f"{came} of {end - start} bytes came")

    def read(self, found: Listed) -> bytes:
        """A small object's bytes, of the generation that was listed.

        Raises:
            GenerationChangedError, ObjectMissingError: that generation does not exist any more.
        """

        def action() -> bytes:
            sink = io.BytesIO()
            if found.size:
                self.read_range(found.name, found.generation, 0, found.size, sink)
            return sink.getvalue()

        return persistently(action, self.told(found.name), self.log)

    def put(self, name: str, content: bytes | Path, if_generation: int | None = None) -> int:
        """Writes an object atomically; returns its generation.

        Args:
            name: below the address.
            content: bytes, or a file.
            if_generation: write only if the object has this generation; `ABSENT`: only if it does not exist.

        Raises:
            GenerationChangedError: it has another generation.
        """

        def action() -> int:
            blob = self._blob(name)
            options = {"checksum": "crc32c", "if_generation_match": if_generation, "retry": None, "timeout": _TIMEOUT_S}
            if isinstance(content, Path):
                blob.upload_from_filename(str(content), **options)
            else:
                blob.upload_from_string(content, content_type="application/json", **options)
            return int(blob.generation)

        return persistently(action, self.told(name), self.log)

    def delete(self, name: str, generation: int) -> None:
        """Deletes that generation of an object.

        Raises:
            ObjectMissingError, GenerationChangedError: it does not exist, or has another generation.
        """

        def action() -> None:
            self._blob(name).delete(if_generation_match=generation, retry=None, timeout=_TIMEOUT_S)

        persistently(action, self.told(name), self.log)

    def _bucket(self) -> Any:
        return (self.client or shared_client()).bucket(self.address.bucket)

    def _blob(self, name: str) -> Any:
        return self._bucket().blob(self.address.object(name))


def _listed(blob: Any, name: str) -> Listed:
    return Listed(
        name, int(blob.generation), int(blob.size), blob.crc32c, blob.md5_hash, blob.content_encoding, blob.updated
    )
