"""Every advice about Kaggle is carried out with the real client, and helps."""

import contextlib
import importlib
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from ecg_assets.cli import main
from ecg_assets.records.kaggle.client import connect
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.permissions import permissions_count
from ecg_assets_tests.records.kaggle.kaggle_server import (
    COMPETITION,
    IDS,
    KEY,
    KaggleServer,
    content,
    serving,
    without_credentials,
)

TOKEN = "KGAT_" + "0123456789abcdef" * 2
FIELDS = json.dumps({"username": "other", "key": "f" * 32})


class Machine:
    """The machine of somebody who downloads.

    Attributes:
        server: Kaggle.
        home: the home directory, without credentials at first.
        out: the folder of what is downloaded.
        set: sets an environment variable.
        unset: removes one.
    """

    def __init__(self, server: KaggleServer, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server, self.home, self.out = server, home, home.parent / "out"
        self.set: Callable[[str, str], None] = monkeypatch.setenv
        self.unset: Callable[[str], None] = monkeypatch.delenv

    @property
    def token_file(self) -> Path:
        return self.home / ".kaggle" / "access_token"

    @property
    def key_file(self) -> Path:
        return self.home / "kaggle.json"

    def save_token(self) -> None:
        self.token_file.write_text(f"{TOKEN}\n")
        self.token_file.chmod(0o600)

    def delete_key_file(self) -> None:
        self.key_file.unlink()
        self.save_token()

    def accept_the_rules(self) -> None:
        self.server.refuse_downloads_after = None

    def download(self, *more: str) -> str:
        """One record; all that is printed."""
        arguments = ["download-subset", "--csv-only", "--records", "1", "--out", str(self.out), *more]
        done = CliRunner().invoke(main, arguments)
        assert (done.exit_code == 0) == any(self.out.glob("[0-9]*/*.csv")), done.output
        return done.output or repr(done.exception)

    def refused(self, *more: str) -> str:
        said = self.download(*more)
        assert "Error: " in said
        assert TOKEN not in said
        assert KEY not in said
        return said.partition("Error: ")[2]

    def downloaded(self) -> None:
        """Fails unless the record came whole."""
        said = self.download()
        assert [path.stem in IDS for path in self.out.glob("[0-9]*/*.csv")] == [True], said
        (path,) = self.out.glob("[0-9]*/*.csv")
        assert path.read_bytes() == content(path.name)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Kaggle knows the token and its account; nothing waits."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    home = tmp_path / "home"
    (home / ".kaggle").mkdir(parents=True)
    with serving(home, monkeypatch) as server:
        server.tokens = {TOKEN}
        without_credentials(home, monkeypatch)
        yield Machine(server, home, monkeypatch)


def token_in_the_key_file(machine: Machine) -> None:
    machine.key_file.write_text(json.dumps({"username": "other", "key": TOKEN}))


def half_in_the_environment(machine: Machine) -> None:
    machine.set("KAGGLE_KEY", KEY)


def by_a_pipe(machine: Machine) -> None:
    os.mkfifo(machine.key_file)


Step = Callable[[Machine], object]
CREDENTIALS = [
    pytest.param(
        lambda m: None,
        Machine.save_token,
        id="none, a file",
        marks=pytest.mark.advice(
            "records/kaggle/errors.py", ", save it to ~/.kaggle/access_token with permissions 600"
        ),
    ),
    pytest.param(
        lambda m: None,
        lambda m: m.set("KAGGLE_API_TOKEN", TOKEN),
        id="none, a variable",
        marks=pytest.mark.advice("records/kaggle/errors.py", " (or set KAGGLE_API_TOKEN), and accept the rules"),
    ),
    pytest.param(
        lambda m: m.key_file.write_text("[]"),
        Machine.delete_key_file,
        id="a list",
        marks=pytest.mark.advice("records/kaggle/credentials.py", ', expected {"username": ..., "key": ...} as Kaggle'),
    ),
    pytest.param(
        lambda m: m.key_file.write_text("{username: other}"),
        Machine.delete_key_file,
        id="no JSON",
        marks=pytest.mark.advice(
            "records/kaggle/credentials.py", '); expected {"username": ..., "key": ...} as Kaggle'
        ),
    ),
    pytest.param(
        lambda m: m.key_file.write_bytes(b"\xff\xfe{"),
        Machine.delete_key_file,
        id="no UTF-8",
        marks=pytest.mark.advice(
            "records/kaggle/credentials.py", " is no text in UTF-8; expected Kaggle credentials: delete it"
        ),
    ),
    pytest.param(
        by_a_pipe,
        Machine.delete_key_file,
        id="a pipe",
        marks=pytest.mark.advice("records/kaggle/credentials.py", ", expected a file of credentials: delete it, and "),
    ),
    pytest.param(
        lambda m: (m.key_file.write_text(FIELDS), m.key_file.chmod(0)),
        lambda m: m.key_file.chmod(0o600),
        id="a file that nobody may read",
        marks=pytest.mark.advice("records/kaggle/credentials.py", "): make it yours, with permissions 600"),
    ),
    pytest.param(
        token_in_the_key_file,
        Machine.save_token,
        id="a token for a key, into its file",
        marks=pytest.mark.advice(
            "records/kaggle/credentials.py", " where the client expects an older key: put the token"
        ),
    ),
    pytest.param(
        token_in_the_key_file,
        lambda m: m.set("KAGGLE_API_TOKEN", TOKEN),
        id="a token for a key, into its variable",
        marks=pytest.mark.advice("records/kaggle/credentials.py", " (permissions 600), or into "),
    ),
    pytest.param(
        lambda m: m.token_file.write_bytes(b"\xef\xbb\xbf" + TOKEN.encode()),
        Machine.save_token,
        id="a mark of UTF-8",
        marks=pytest.mark.advice(
            "records/kaggle/credentials.py", " without a mark of UTF-8: copy the token there again"
        ),
    ),
    pytest.param(
        lambda m: m.set("KAGGLE_API_TOKEN", "two words"),
        lambda m: m.set("KAGGLE_API_TOKEN", TOKEN),
        id="other words",
        marks=pytest.mark.advice(
            "records/kaggle/credentials.py", " without a mark of UTF-8: copy the token there again"
        ),
    ),
    pytest.param(
        half_in_the_environment,
        lambda m: m.set("KAGGLE_USERNAME", "other"),
        id="half of them, both",
        marks=pytest.mark.advice(
            "records/kaggle/credentials.py", " is missing: set KAGGLE_USERNAME and KAGGLE_KEY both, or "
        ),
    ),
    pytest.param(
        half_in_the_environment,
        lambda m: (m.unset("KAGGLE_KEY"), m.save_token()),
        id="half of them, neither",
        marks=pytest.mark.advice(
            "records/kaggle/credentials.py", " KAGGLE_USERNAME and KAGGLE_KEY both, or neither, and then "
        ),
    ),
]


@pytest.mark.parametrize(("fault", "remedy"), CREDENTIALS)
def test_credentials_are_put_right_as_the_message_says(
    machine: Machine, advice: AdviceGiven, fault: Step, remedy: Step
) -> None:
    fault(machine)
    machine.server.refuse_downloads_after = 0
    with permissions_count():
        advice.in_message(machine.refused())
        remedy(machine)
        machine.accept_the_rules()
        machine.downloaded()


@pytest.mark.advice(
    "records/kaggle/errors.py", "Kaggle refuses it (403): accept the competition's rules, with the account"
)
def test_rules_are_accepted_where_the_message_says(machine: Machine, advice: AdviceGiven) -> None:
    machine.save_token()
    machine.server.refuse_downloads_after = 0
    said = machine.refused()
    advice.in_message(said)
    assert f"https://www.kaggle.com/competitions/{COMPETITION}/rules" in said
    machine.accept_the_rules()
    machine.downloaded()


@pytest.mark.advice("records/kaggle/client.py", "; set `competition` to a name as its address has it: ")
def test_a_competition_that_kaggle_does_not_know_is_named_as_the_message_says(
    machine: Machine, advice: AdviceGiven
) -> None:
    machine.save_token()
    said = machine.refused("--competition", "physionet")
    advice.in_message(said)
    machine.download("--competition", said.split()[-1])
    machine.downloaded()


@pytest.mark.advice("records/kaggle/subset.py", " files, none of them train/<id>/<id>.csv; set `competition` to ")
def test_a_competition_without_records_is_changed_for_the_one_that_the_message_names(
    machine: Machine, advice: AdviceGiven
) -> None:
    machine.save_token()
    machine.server.others["titanic"] = ["train.csv", "test.csv"]
    said = machine.refused("--competition", "titanic")
    advice.in_message(said)
    machine.download("--competition", said.split()[-1])
    machine.downloaded()


LATER = [
    pytest.param(
        lambda m: m.server.no_zips.update(f"{one}.csv.zip" for one in IDS),
        id="no zip",
        marks=pytest.mark.advice("records/kaggle/client.py", " is damaged or holds no "),
    ),
    pytest.param(
        lambda m: m.server.answers.extend([(200, {}, {"files": [], "nextPageToken": "40"})] * 3),
        id="a list that goes in a circle",
        marks=pytest.mark.advice("records/kaggle/client.py", " goes in a circle; run again later"),
    ),
    pytest.param(
        lambda m: m.server.answers.extend([(429, {}, {"code": 429, "message": "Too many requests"})] * 6),
        id="too many requests",
        marks=pytest.mark.advice("records/kaggle/errors.py", " tries; run again later: what was downloaded is kept"),
    ),
]


@pytest.mark.parametrize("fault", LATER)
def test_what_passes_is_run_again_as_the_message_says(
    machine: Machine, advice: AdviceGiven, fault: Callable[[Machine], object]
) -> None:
    """Kaggle is asked with a key: a token would be asked about first."""
    machine.key_file.write_text(FIELDS)
    fault(machine)
    advice.in_message(machine.refused())
    machine.downloaded()


@pytest.mark.advice("records/kaggle/client.py", "): set KAGGLE_CONFIG_DIR to one that you may write")
def test_the_client_s_settings_go_where_the_message_says(
    machine: Machine, advice: AdviceGiven, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client makes their folder when it is imported."""
    for name in [one for one in sys.modules if one.partition(".")[0] == "kaggle"]:
        monkeypatch.delitem(sys.modules, name)
    (machine.home / "file").write_text("")
    machine.set("HOME", str(machine.home / "file"))
    machine.unset("KAGGLE_CONFIG_DIR")
    advice.in_message(machine.refused())
    machine.set("KAGGLE_CONFIG_DIR", str(machine.home / "settings"))
    machine.set("KAGGLE_API_TOKEN", TOKEN)
    machine.downloaded()


@contextmanager
def proxy(folder: Path, port: int) -> Iterator[str]:
    """A proxy for HTTPS that leads everything to a port of this machine; `folder` gets the certificate `ca.pem`."""
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-keyout", "key.pem", "-out", "ca.pem", "-subj", "/CN=kaggle", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            self.send_response(200)
            self.end_headers()
            with (
                context.wrap_socket(self.connection, server_side=True) as inside,
                socket.create_connection(("127.0.0.1", port)) as outside,
                contextlib.suppress(ConnectionError),
            ):
                request = inside.makefile("rb")
                head = [*iter(request.readline, b"\r\n"), b"\r\n"]
                lengths = [line.split()[1] for line in head if line.lower().startswith(b"content-length:")]
                outside.sendall(b"".join(head) + request.read(int(lengths[0]) if lengths else 0))
                while answer := outside.recv(1 << 16):
                    inside.sendall(answer)

        def log_message(self, *_: object) -> None:
            """A test's output is not the place."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.advice("records/kaggle/errors.py", " (where a proxy leads to the internet, set HTTPS_PROXY to it): ")
def test_kaggle_is_reached_by_a_proxy_as_the_message_says(
    machine: Machine, advice: AdviceGiven, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.save_token()
    for name in ("NO_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    known = importlib.import_module("kagglesdk.kaggle_env")
    port = int(known._env_to_endpoint[known.KaggleEnv.PROD].rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"https://127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setitem(known._env_to_endpoint, known.KaggleEnv.PROD, address)
    with proxy(tmp_path, port) as led:
        machine.set("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        advice.in_message(machine.refused())
        machine.set("HTTPS_PROXY", led)
        assert connect(COMPETITION, quiet).list_files() == machine.server.files
        machine.downloaded()
