"""Which requests are foreign: every header that tells, in every way it may be written."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from ecg_assets.ui.foreign_requests import RefuseForeignRequests

HOST = "127.0.0.1:3000"
IN_A_TAB = [("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "document")]
Headers = list[tuple[str, str]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"let in"})


async def nothing() -> Message:
    return {"type": "http.request", "body": b""}


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """In a thread of its own: that of the test may hold a browser's event loop."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, coroutine).result()


def answered(headers: Headers, method: str = "GET", path: str = "/graphql", kind: str = "http") -> list[Message]:
    sent = list[Message]()

    async def send(message: Message) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": kind,
        "path": path,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    if kind == "http":
        scope["method"] = method
    guard = RefuseForeignRequests(application, lambda scope: scope["path"] in ("/", "/runs"))
    run(guard(scope, nothing, send))
    return sent


def passes(headers: Headers, **how: str) -> bool:
    first = answered(headers, **how)[0]
    if first["type"] == "http.response.start":
        assert first["status"] in (200, 403)
        return bool(first["status"] == 200)
    assert first["type"] in ("websocket.accept", "websocket.close")
    return bool(first["type"] == "websocket.accept")


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "[::1]",
        "localhost:3000",
        "127.0.0.1:8080",
        "[::1]:1",
        "LocalHost:65535",
        "localhost:80",
    ],
)
def test_this_machine_is_answered_under_its_names_at_any_port(host: str, kind: str) -> None:
    assert passes([("Host", host)], kind=kind)
    assert passes([("host", host), ("Origin", f"http://{host}"), ("Sec-Fetch-Site", "same-origin")], kind=kind)


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example", "evil-localhost"),
        *("localhost.", "localhost.:3000", "127.0.0.1.", "user@localhost", "localhost@evil.example", "foo.localhost"),
        *("127.0.0.2", "127.1", "0.0.0.0:3000", "2130706433", "0x7f000001", "192.168.1.7:3000", "[::]", "::1", "[::1"),
        *("[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::1%lo]", "localhost:", "localhost:0", "localhost:65536"),
        *("localhost:80a", "localhost:-1", "localhost:\uff13\uff10", "localhost evil.example"),
        *("localhost,evil.example", "localhost/", "http://localhost", "localhost\n", " localhost"),
        *("", "\xa0", "x" * 5000),
    ],
)
def test_no_other_name_is_answered(host: str, kind: str) -> None:
    assert not passes([("Host", host.encode("utf-8").decode("latin-1"))], kind=kind)


@pytest.mark.parametrize("headers", [[], [("Host", HOST), ("Host", HOST)], [("Host", HOST), ("host", "evil.example")]])
def test_host_stands_there_once(headers: Headers) -> None:
    assert not passes(headers)
    assert not passes(headers, kind="websocket")


def test_other_headers_do_not_make_a_host() -> None:
    assert not passes([("Host", "evil.example"), ("X-Forwarded-Host", HOST), ("Forwarded", f"host={HOST}")])


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    "origin",
    [
        *("null", "", "http://evil.example", "http://evil.example:3000", "http://127.0.0.1.evil.example:3000"),
        # Pages of other programs on this machine: another port or another name is another site's page.
        *("http://127.0.0.1", "http://127.0.0.1:8888", "http://localhost:3000", "http://[::1]:3000"),
        *("https://127.0.0.1:3000", "file://", "chrome-extension://abcdef", "http://127.0.0.1:3000/", "127.0.0.1:3000"),
        *("http://user@127.0.0.1:3000", "http://127.0.0.1:3000, http://evil.example", "http://127.0.0.1:3000."),
    ],
)
def test_a_page_of_another_origin_is_refused(origin: str, kind: str) -> None:
    for sites in ([], [("Sec-Fetch-Site", "same-origin")]):
        assert not passes([("Host", HOST), ("Origin", origin), *sites], kind=kind)
    assert not passes([("Host", HOST), ("Origin", f"http://{HOST}"), ("Origin", origin)], kind=kind)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD", "PUT"])
def test_method_and_page_make_no_difference_to_a_foreign_origin(method: str) -> None:
    for path in ("/", "/graphql"):
        assert not passes([("Host", HOST), ("Origin", "http://evil.example"), *IN_A_TAB], method=method, path=path)


def test_the_port_that_browsers_leave_out_is_80() -> None:
    assert passes([("Host", "localhost:80"), ("Origin", "http://localhost")])
    assert passes([("Host", "LOCALHOST"), ("Origin", "HTTP://localhost:80")])


@pytest.mark.parametrize("site", ["cross-site", "same-site", "same-Origin", "", "something new"])
def test_what_another_site_asks_is_refused(site: str) -> None:
    sites = [("Host", HOST), ("Sec-Fetch-Site", site)]
    assert not passes(sites)
    assert not passes(sites, kind="websocket")
    assert not passes(sites, path="/")
    assert not passes([*sites, ("Sec-Fetch-Mode", "no-cors"), ("Sec-Fetch-Dest", "image")], path="/")
    assert not passes([*sites, ("Sec-Fetch-Site", "same-origin")])


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_its_user_asks_passes(site: str) -> None:
    for method in ("GET", "POST"):
        assert passes([("Host", HOST), ("Sec-Fetch-Site", site)], method=method)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_on_another_site_opens_the_page_and_nothing_else(site: str) -> None:
    clicked = [("Host", HOST), ("Sec-Fetch-Site", site), *IN_A_TAB]
    assert passes(clicked, path="/")
    assert passes(clicked, path="/runs")
    assert not passes(clicked, path="/graphql")
    assert not passes(clicked, path="/", method="POST")
    assert not passes(clicked, path="/", kind="websocket")
    framed = [("Host", HOST), ("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-Dest", "iframe")]
    assert not passes(framed, path="/")
    assert not passes([*clicked, ("Sec-Fetch-Dest", "iframe")], path="/")
    assert not passes([("Host", "evil.example"), *clicked[1:]], path="/")


def test_programs_that_are_no_browser_pass() -> None:
    for method in ("GET", "POST"):
        assert passes([("Host", HOST), ("User-Agent", "curl/8.5.0"), ("Accept", "*/*")], method=method)


def test_a_refusal_says_what_is_foreign_and_what_to_do() -> None:
    start, body = answered([("Host", "<script>" + "x" * 1000)])
    assert start["status"] == 403
    assert dict(start["headers"])[b"content-type"].startswith(b"text/plain")
    text = body["body"].decode("ascii")
    assert "Host" in text and "ssh -L" in text and text.count("\n") == 1 and len(text) < 500
    assert "Host is missing" in answered([])[1]["body"].decode()
    for header in ("Origin", "Sec-Fetch-Site"):
        said = answered([("Host", HOST), (header, "http://evil.example\r\nX: \xff")])[1]["body"].decode("ascii")
        assert header in said and r"\r\n" in said


def test_startup_and_shutdown_pass() -> None:
    handed_on = []

    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        handed_on.append(scope["type"])

    async def send(_: Message) -> None: ...

    run(RefuseForeignRequests(noted, lambda scope: False)({"type": "lifespan"}, nothing, send))
    assert handed_on == ["lifespan"]
