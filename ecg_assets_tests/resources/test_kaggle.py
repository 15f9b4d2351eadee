"""The real `kaggle` client against a local stand-in for Kaggle's server, and without credentials."""

import importlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest

from ecg_assets.assets.kaggle_subset import kaggle_subset
from ecg_assets.resources.kaggle_client import KaggleResource, KaggleUnavailableError
from ecg_assets.resources.storage import DataRootResource

IDS = [str(number) for number in range(100, 130)]
TABLE = "id,fs,sig_len\n" + "".join(f"{record_id},500,5000\n" for record_id in IDS)


class StandIn(BaseHTTPRequestHandler):
    """Sends train.csv plainly, CSVs zipped, images plainly; asks for acceptance of the rules when told."""

    refuse_after: int | None = None
    asked: list[str]

    def do_POST(self) -> None:
        wanted = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["fileName"]
        type(self).asked.append(wanted)
        if self.refuse_after is not None and len(self.asked) > self.refuse_after:
            self._send(
                403, b'{"code": 403, "message": "You must accept this competition\'s rules"}', "application/json"
            )
            return
        name = wanted.rsplit("/", 1)[-1]
        zipped = name.endswith(".csv") and name != "train.csv"
        self.send_response(302)
        self.send_header("Location", f"/files/{name}{'.zip' if zipped else ''}?signature=x")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        name = self.path.split("?")[0].rsplit("/", 1)[-1]
        content = TABLE.encode() if name == "train.csv" else f"content of {name}".encode()
        if name.endswith(".zip"):
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                archive.writestr(name.removesuffix(".zip"), content)
            content = packed.getvalue()
        self._send(200, content, "application/octet-stream")

    def _send(self, code: int, content: bytes, kind: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """A test's output is not the place."""


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials anywhere."""
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "nobody"))


@pytest.fixture
def kaggle_server(nobody: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[StandIn]]:
    kaggle_env = importlib.import_module("kagglesdk.kaggle_env")

    monkeypatch.setenv("KAGGLE_USERNAME", "somebody")
    monkeypatch.setenv("KAGGLE_KEY", "0" * 32)
    handler = type("Handler", (StandIn,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, address)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield handler
    server.shutdown()
    server.server_close()


def materialize(data_root: Path, records: int = 3) -> dg.AssetMaterialization:
    result = dg.materialize(
        [kaggle_subset],
        instance=dg.DagsterInstance.ephemeral(),
        resources={"data_root": DataRootResource(path=str(data_root)), "kaggle": KaggleResource()},
        run_config={"ops": {"kaggle_subset": {"config": {"records": records, "variants": ["0001", "0005"]}}}},
    )
    assert result.success
    (materialization,) = result.asset_materializations_for_node("kaggle_subset")
    return materialization


def test_records_are_drawn_by_the_seed_and_put_into_the_inbox_once(
    tmp_path: Path, kaggle_server: type[StandIn]
) -> None:
    made = materialize(tmp_path)
    inbox = tmp_path / "scans" / "inbox"
    folders = sorted(folder.name for folder in inbox.iterdir())
    assert len(folders) == 3
    assert set(folders) <= set(IDS)
    for record_id in folders:
        assert (inbox / record_id / f"{record_id}.csv").read_text() == f"content of {record_id}.csv.zip"
        assert (inbox / record_id / f"{record_id}-0005.png").exists()
        assert len(list((inbox / record_id).iterdir())) == 3
    assert made.metadata["files"].value == 9
    asked = len(kaggle_server.asked)
    assert asked == 10
    materialize(tmp_path)
    assert len(kaggle_server.asked) == asked


def test_a_refusal_halfway_keeps_what_came_and_says_what_to_do(tmp_path: Path, kaggle_server: type[StandIn]) -> None:
    kaggle_server.refuse_after = 3
    made = materialize(tmp_path)
    assert "accept the competition's rules" in str(made.metadata["not_downloaded_because"].value)
    assert made.metadata["files"].value == 2
    assert not list((tmp_path / "scans").rglob(".tmp-*"))


def test_without_credentials_the_asset_is_green_and_tells_how_to_get_them(tmp_path: Path, nobody: None) -> None:
    made = materialize(tmp_path)
    assert "kaggle.json" in str(made.metadata["not_downloaded_because"].value)
    assert made.metadata["summary"].value == "nothing downloaded; 0 files in the inbox"
    with pytest.raises(KaggleUnavailableError, match="Create New Token"):
        KaggleResource().client()
