"""The kaggle client's present credentials: with the real client, a server on loopback, and each advice carried out."""

import importlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecg_assets.records.kaggle.client import connect
from ecg_assets.records.kaggle.errors import KaggleUnavailableError
from ecg_assets_tests.records.kaggle.kaggle_server import COMPETITION, KaggleServer, serving, without_credentials

TOKEN = "KGAT_" + "0123456789abcdef" * 2
KEY = "f" * 32
FIELDS = {"username": "other", "key": KEY}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home" / ".kaggle").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def kaggle(home: Path, monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> Iterator[KaggleServer]:
    """A server that knows the token; no credentials are anywhere."""
    with serving(home, monkeypatch) as server:
        server.tokens = {TOKEN}
        without_credentials(home, monkeypatch)
        yield server


def listed(lines: list[str] | None = None) -> list[str]:
    return connect(COMPETITION, lines.append if lines is not None else lambda _: None).list_files()


def refusal() -> str:
    with pytest.raises(KaggleUnavailableError) as raised:
        listed()
    said = str(raised.value)
    assert TOKEN not in said
    assert KEY not in said
    return said


def test_a_token_in_the_environment_is_used(kaggle: KaggleServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    assert listed() == kaggle.files
    assert kaggle.users == {TOKEN}


@pytest.mark.parametrize("name", ["access_token", "access_token.txt"])
def test_a_token_in_its_file_is_used(kaggle: KaggleServer, home: Path, name: str) -> None:
    (home / ".kaggle" / name).write_text(f"{TOKEN}\n")
    assert listed() == kaggle.files
    assert kaggle.users == {TOKEN}


def test_the_environment_may_name_a_file_of_the_token(
    kaggle: KaggleServer, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "mine").write_text(TOKEN)
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(home / "mine"))
    assert listed() == kaggle.files


def test_a_token_that_kaggle_does_not_know_is_named_and_no_older_key_is_tried(kaggle: KaggleServer, home: Path) -> None:
    (home / ".kaggle" / "access_token").write_text("KGAT_" + "9" * 32)
    (home / "kaggle.json").write_text(json.dumps(FIELDS))
    assert "does not know the API token in" in refusal()
    assert kaggle.asked == ["introspect"]
    (home / ".kaggle" / "access_token").unlink()
    assert listed() == kaggle.files


def test_a_token_where_a_key_belongs_is_told_where_to_put_it(kaggle: KaggleServer, home: Path) -> None:
    (home / "kaggle.json").write_text(json.dumps(FIELDS | {"key": TOKEN}))
    said = refusal()
    assert "kaggle.json holds an API token" in said
    assert "put the token alone into ~/.kaggle/access_token" in said
    (home / ".kaggle" / "access_token").write_text(TOKEN)
    assert listed() == kaggle.files


def test_a_token_in_the_variable_of_the_key_is_told_where_to_put_it(
    kaggle: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KAGGLE_USERNAME", "other")
    monkeypatch.setenv("KAGGLE_KEY", TOKEN)
    assert "KAGGLE_KEY holds an API token" in refusal()


def test_a_kaggle_json_with_a_mark_of_utf8_is_read(kaggle: KaggleServer, home: Path) -> None:
    (home / "kaggle.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(FIELDS).encode())
    assert listed() == kaggle.files
    assert kaggle.users == {f"other:{KEY}"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[]", "holds a list"),
        (b'[{"username": "other", "key": "x"}]', "holds a list"),
        (b"null", "holds nothing"),
        (b"", "holds nothing"),
        (b'"text"', "holds something else"),
        (b'{"username": "other"}', "holds no username and key"),
        (b'{"username": "other", "key": 5}', "holds no username and key"),
        (b"{username: other}", "is no JSON"),
        (b"\xff\xfe{\x00", "is no text in UTF-8"),
    ],
)
def test_a_kaggle_json_that_cannot_be_used_is_named_and_its_advice_helps(
    kaggle: KaggleServer, home: Path, content: bytes, says: str
) -> None:
    (home / "kaggle.json").write_bytes(content)
    said = refusal()
    assert f"kaggle.json {says}" in said
    assert "delete it, and to download real images, make a token" in said
    (home / "kaggle.json").unlink()
    (home / ".kaggle" / "access_token").write_text(TOKEN)
    assert listed() == kaggle.files


@pytest.mark.timeout(30)
def test_a_file_of_credentials_that_is_a_pipe_is_never_opened(kaggle: KaggleServer, home: Path) -> None:
    os.mkfifo(home / "kaggle.json")
    assert "kaggle.json is a pipe" in refusal()


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf" + TOKEN.encode(), b"two words", b'{"token": "x y"}'])
def test_a_token_that_no_header_can_hold_is_refused_before_anything_is_sent(
    kaggle: KaggleServer, home: Path, content: bytes
) -> None:
    (home / ".kaggle" / "access_token").write_bytes(content)
    assert "access_token holds no Kaggle API token" in refusal()
    assert kaggle.asked == []


def test_half_of_the_credentials_is_told(kaggle: KaggleServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_KEY", KEY)
    assert "username of the Kaggle credentials is missing" in refusal()
    monkeypatch.setenv("KAGGLE_USERNAME", "other")
    assert listed() == kaggle.files


def test_an_answer_that_passes_is_waited_for(kaggle: KaggleServer, home: Path, waits: list[float]) -> None:
    (home / ".kaggle" / "access_token").write_text(TOKEN)
    kaggle.answers = [(503, {}, {"code": 503, "message": "Unavailable"})]
    lines: list[str] = []
    assert listed(lines) == kaggle.files
    assert len(waits) == 1
    assert any("503" in line or "Unavailable" in line for line in lines)


def test_without_a_network_nothing_is_said_against_the_credentials(
    kaggle: KaggleServer, home: Path, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".kaggle" / "access_token").write_text(TOKEN)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    known = importlib.import_module("kagglesdk.kaggle_env")
    monkeypatch.setitem(known._env_to_endpoint, known.KaggleEnv.PROD, f"http://127.0.0.1:{port}")
    said = refusal()
    assert "Kaggle cannot be reached (where a proxy leads to the internet, set HTTPS_PROXY to it)" in said
    assert "after 3 tries" in said
    assert "token at" not in said
    assert len(waits) == 2
