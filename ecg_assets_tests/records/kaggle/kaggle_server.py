"""A stand-in for Kaggle's server on loopback that speaks the wire format of the `kaggle` client."""

import base64
import contextlib
import importlib
import io
import json
import random
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

IDS = [str(number) for number in range(100, 130)]
VARIANTS = ("0001", "0003", "0005")
KEY = "0123456789abcdef0123456789abcdef"
SIGNATURE = "signature-that-gives-access"
COMPETITION = "physionet-ecg-image-digitization"
_PAGE_FILES = 20


def content(name: str, size: int = 20_000) -> bytes:
    """What the file `train/<id>/<name>` holds; it follows from its name."""
    return random.Random(name).randbytes(size)


@dataclass
class KaggleServer:
    """What the server is told to do, and what it has seen.

    Attributes:
        files: names that it lists and has.
        answers: sent in place of the next answers to the client's calls: (status, headers, JSON body or none).
        refuse_downloads_after: every further download call is refused with a 403.
        sizes: bytes of a file, where it is not of the usual size.
        cut: name -> bytes after which its next bodies break off.
        asked: calls in order: "list <token>" or the file's name.
        ranges: headers `Range` of bodies that were asked for, by file.
        users: user and key, or token, of every call.
        tokens: API tokens that it knows.
        others: files of other competitions, by name.
        no_zips: names of zip files whose next body is none.
    """

    files: list[str] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    refuse_downloads_after: int | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    cut: dict[str, list[int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ranges: list[tuple[str, str]] = field(default_factory=list)
    users: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    others: dict[str, list[str]] = field(default_factory=dict)
    no_zips: set[str] = field(default_factory=set)

    @property
    def downloads(self) -> list[str]:
        """Names of files whose download was asked for, in order."""
        return [name for name in self.asked if not name.startswith("list")]


class _Handler(BaseHTTPRequestHandler):
    server_state: KaggleServer

    def do_POST(self) -> None:
        state, body = self.server_state, json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind, _, credentials = self.headers.get("Authorization", "Basic ").partition(" ")
        state.users.add(base64.b64decode(credentials).decode() if kind == "Basic" else credentials)
        if self.path == "/v1/security.OAuthService/IntrospectToken":
            state.asked.append("introspect")
            known = {"active": True, "username": "somebody"} if body["token"] in state.tokens else {"active": False}
            status, headers, answer = state.answers.pop(0) if state.answers else (200, {}, known)
            self._send(status, json.dumps(answer).encode(), {"Content-Type": "application/json", **headers})
            return
        listing = self.path == "/v1/competitions.CompetitionApiService/ListDataFiles"
        state.asked.append(f"list {body.get('pageToken', '')}" if listing else body["fileName"])
        files = ({COMPETITION: state.files} | state.others).get(body["competitionName"])
        if state.answers:
            status, headers, answer = state.answers.pop(0)
            self._send(status, json.dumps(answer).encode(), {"Content-Type": "application/json", **headers})
        elif files is None:
            self._send(404, b'{"code": 404, "message": "Not found"}', {"Content-Type": "application/json"})
        elif listing:
            self._list(files, int(body.get("pageToken") or 0))
        else:
            self._download(body["fileName"])

    def do_GET(self) -> None:
        self._body(self.path.split("?")[0].rsplit("/", 1)[-1])

    def _list(self, files: list[str], start: int) -> None:
        end = start + _PAGE_FILES
        page: dict[str, Any] = {
            "files": [
                {"name": name, "totalBytes": 1, "creationDate": "2025-10-01T00:00:00.000Z"} for name in files[start:end]
            ]
        }
        if end < len(files):
            page["nextPageToken"] = str(end)
        self._send(200, json.dumps(page).encode(), {"Content-Type": "application/json"})

    def _download(self, wanted: str) -> None:
        assert self.path == "/v1/competitions.CompetitionApiService/DownloadDataFile"
        state = self.server_state
        if state.refuse_downloads_after is not None and len(state.downloads) > state.refuse_downloads_after:
            said = {
                "code": 403,
                "message": "You must accept this competition's rules before you'll be able to download",
            }
            self._send(403, json.dumps(said).encode(), {"Content-Type": "application/json"})
        elif wanted not in state.files:
            self._send(404, b'{"code": 404, "message": "Not found"}', {"Content-Type": "application/json"})
        else:
            # As Kaggle does: to another address, signed; CSVs come zipped.
            name = wanted.rsplit("/", 1)[-1] + (".zip" if wanted.endswith(".csv") else "")
            self._send(302, b"", {"Location": f"/files/{name}?X-Goog-Signature={SIGNATURE}"})

    def _body(self, name: str) -> None:
        state = self.server_state
        whole = content(name, state.sizes.get(name, 20_000))
        if name.endswith(".zip"):
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                plain = name.removesuffix(".zip")
                archive.writestr(zipfile.ZipInfo(plain), content(plain))
            whole = packed.getvalue() if name not in state.no_zips else b"<html>maintenance</html>"
            state.no_zips.discard(name)
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-") or 0)
        state.ranges.append((name, asked))
        self.send_response(206 if asked else 200)
        for header, value in (
            ("Content-Type", "application/octet-stream"),
            ("Content-Length", str(len(whole) - start)),
            ("Accept-Ranges", "bytes"),
            ("ETag", f'"{name}"'),
            ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"),
        ):
            self.send_header(header, value)
        self.end_headers()
        cuts = state.cut.get(name)
        end = start + cuts.pop(0) if cuts else len(whole)
        self.close_connection = end < len(whole)
        # A client that goes on from a part leaves the whole body that it was offered first.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(whole[start:end])

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """A test's output is not the place."""


def without_credentials(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that the client takes for credentials is anywhere."""
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home))
    # The client looks where its file is when it is first imported, which another test may have done.
    client = importlib.import_module("kaggle.api.kaggle_api_extended").KaggleApi
    monkeypatch.setattr(client, "config_dir", str(home))
    monkeypatch.setattr(client, "config", str(home / "kaggle.json"))


@contextmanager
def serving(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    """A server with 30 records that the client of this process asks, with credentials in the environment."""
    without_credentials(home, monkeypatch)
    monkeypatch.setenv("KAGGLE_USERNAME", "somebody")
    monkeypatch.setenv("KAGGLE_KEY", KEY)
    files = ["train.csv", "test.csv", *(f"train/{one}/{one}.csv" for one in IDS)]
    state = KaggleServer(sorted([*files, *(f"train/{one}/{one}-{variant}.png" for one in IDS for variant in VARIANTS)]))
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"server_state": state}))
    # Of its own accord the client knows no address but Kaggle's and fixed ports of this machine.
    known = importlib.import_module("kagglesdk.kaggle_env")
    monkeypatch.setitem(known._env_to_endpoint, known.KaggleEnv.PROD, f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
