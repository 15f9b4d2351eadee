"""A page of another site, in a real browser, and raw requests: what Dagster's own webserver lets in, ours does not.

What the page tries is tried on Dagster's own webserver too, where it works: else the tests would show nothing.
"""

import http.server
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from urllib.parse import quote, urlsplit

import dagster_webserver.app
import pytest
import requests
from playwright.sync_api import Browser, Page, Playwright, expect

from ecg_assets.ui.webserver import guard_webserver
from ecg_assets_tests.integration.live import Server, make_home, serving, until, webserver
from ecg_assets_tests.ui.browser import PATIENCE_MS, chromium, tab

MODULE = "ecg_assets_tests.ui.one_asset"
OTHER = "other.example"
LAUNCH = f"""
mutation {{ launchPipelineExecution(executionParams: {{ mode: "default", runConfigData: {{}}, selector: {{
  repositoryLocationName: "{MODULE}", repositoryName: "__repository__", pipelineName: "__ASSET_JOB",
  assetSelection: [{{ path: ["touched"] }}], assetCheckSelection: null
}} }}) {{ __typename }} }}
"""
RUNS = "{ runsOrError { ... on Runs { results { runId } } } }"
UPGRADE = [
    *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    *("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: graphql-ws"),
]
# What a page may try, each as JavaScript that ends when it has been answered or refused.
ATTACKS = {
    "fetch GET": "fetch(launch, {mode: 'no-cors'})",
    "fetch GET with CORS": "fetch(launch)",
    "fetch POST": "fetch(launch, {mode: 'no-cors', method: 'POST', body: 'x'})",
    "fetch POST of JSON": "fetch(ui + '/graphql', {method: 'POST', body: JSON.stringify({query}), "
    "headers: {'Content-Type': 'application/json'}})",
    "beacon": "(navigator.sendBeacon(launch, 'x'), new Promise(done => setTimeout(done, 1000)))",
    "image": "new Promise(done => { const i = new Image(); i.onload = i.onerror = done; i.src = launch })",
    "form": """new Promise(done => {
        const frame = document.createElement('iframe'); frame.name = 'f'; document.body.append(frame);
        const form = document.createElement('form'); form.action = launch; form.method = 'POST'; form.target = 'f';
        document.body.append(form); frame.onload = () => setTimeout(done, 500); form.submit() })""",
    "form of a sandbox": """new Promise(done => {
        const frame = document.createElement('iframe'); frame.sandbox = 'allow-scripts allow-forms';
        frame.srcdoc = `<form method=POST action="${launch}"></form><script>document.forms[0].submit()</script>`;
        document.body.append(frame); setTimeout(done, 2000) })""",
}
SOCKET = """new Promise(done => { const s = new WebSocket(ui.replace('http', 'ws') + '/graphql', 'graphql-ws');
    s.onopen = () => done('open'); s.onerror = () => done('refused') })"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with webserver(make_home(tmp_path_factory.mktemp("guarded") / "home"), MODULE) as server:
        yield server


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Dagster's own, in a home whose dagster.yaml does not name our instance."""
    home = make_home(tmp_path_factory.mktemp("unguarded") / "home")
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-m", MODULE]
    with serving(home, command, MODULE, {}) as server:
        yield server


@contextmanager
def website() -> Iterator[int]:
    """An empty page at every path; its port on this machine."""

    class Empty(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>another site</title><body></body>")

        def log_message(self, format: str, *args: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """For it, the other site's names are bound to this machine: pages can do no worse."""
    with chromium(playwright, f"--host-resolver-rules=MAP {OTHER} 127.0.0.1, MAP *.{OTHER} 127.0.0.1") as running:
        yield running


@pytest.fixture(params=[OTHER, "127.0.0.1"])
def elsewhere(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """A page of another site, or of another program of this machine."""
    with website() as port, tab(browser, f"http://{request.param}:{port}", f"elsewhere_{request.param}") as opened:
        opened.goto("/", wait_until="load")
        yield opened


def runs(server: Server) -> int:
    return len(server.query(RUNS)["runsOrError"]["results"])


def more_runs(server: Server, before: int) -> bool:
    return runs(server) > before


def tried(page: Page, server: Server, script: str) -> object:
    setting = f"const ui = '{server.url}', query = {json.dumps(LAUNCH)}, launch = ui + '/graphql?query={quote(LAUNCH)}'"
    return page.evaluate(
        f"async () => {{ {setting}; try {{ return await {script} }} catch (e) {{ return 'refused' }} }}"
    )


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_no_page_elsewhere_starts_a_run_or_listens(elsewhere: Page, guarded: Server) -> None:
    for name, script in ATTACKS.items():
        tried(elsewhere, guarded, script)
        assert runs(guarded) == 0, name
    assert tried(elsewhere, guarded, SOCKET) == "refused"
    assert tried(elsewhere, guarded, "fetch(ui + '/server_info', {mode: 'no-cors'}).then(r => r.type)") != "basic"


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_on_dagsters_own_webserver_the_same_pages_do(browser: Browser, unguarded: Server) -> None:
    with website() as port, tab(browser, f"http://{OTHER}:{port}", "elsewhere_unguarded") as page:
        page.goto("/", wait_until="load")
        assert tried(page, unguarded, SOCKET) == "open"
        for name in ("fetch GET", "fetch POST", "image", "form"):
            before = runs(unguarded)
            tried(page, unguarded, ATTACKS[name])
            until(partial(more_runs, unguarded, before), 20, f"the run that {name} starts")


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_a_name_that_is_rebound_to_this_machine_is_refused(browser: Browser, guarded: Server) -> None:
    port = urlsplit(guarded.url).port
    with tab(browser, f"http://{OTHER}:{port}", "rebound") as page:
        answer = page.goto("/", wait_until="load")
        assert answer is not None and answer.status == 403
        assert "localhost" in answer.text()
        body = {
            "method": "POST",
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"query": LAUNCH}),
        }
        assert page.evaluate("options => fetch('/graphql', options).then(r => r.status)", body) == 403
    assert runs(guarded) == 0


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_a_link_elsewhere_opens_the_ui_which_works_but_shows_itself_in_no_frame(
    elsewhere: Page, guarded: Server
) -> None:
    elsewhere.evaluate(f"document.body.innerHTML = '<iframe src=\"{guarded.url}/assets\"></iframe>'")
    frame = elsewhere.frames[-1]
    frame.wait_for_load_state()
    assert "touched" not in frame.content() and "Dagster" not in frame.content()
    elsewhere.evaluate(f"document.body.innerHTML = '<a href=\"{guarded.url}/assets\">the UI</a>'")
    elsewhere.get_by_text("the UI").click()
    expect(elsewhere.get_by_text("touched").first).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.browser
@pytest.mark.timeout(300)
def test_a_link_elsewhere_reaches_nothing_but_pages(elsewhere: Page, guarded: Server) -> None:
    for path in (f"/graphql?query={quote(LAUNCH)}", "/graphql", "/server_info", "/download_debug/x", "/logs/x/y.err"):
        elsewhere.goto("/", wait_until="load")
        elsewhere.evaluate(f'document.body.innerHTML = `<a href="{guarded.url}{path}">click</a>`')
        with elsewhere.expect_response(lambda response: response.url.startswith(guarded.url)) as answer:
            elsewhere.get_by_text("click").click()
        assert answer.value.status == 403, path
    assert runs(guarded) == 0


@pytest.mark.browser
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_the_ui_itself_works_under_each_name(browser: Browser, guarded: Server, name: str) -> None:
    with tab(browser, f"http://{name}:{urlsplit(guarded.url).port}", f"own_{name}") as page:
        page.goto("/assets", wait_until="domcontentloaded")
        expect(page.get_by_text("touched").first).to_be_visible(timeout=PATIENCE_MS)
        assert tried(page, Server(f"http://{name}:{urlsplit(guarded.url).port}", MODULE), SOCKET) == "open"


def raw(server: Server, *lines: str) -> int:
    """The status of a request of these lines, sent as they are."""
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port), 20) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        return int(connection.recv(4096).split()[1])


@pytest.mark.parametrize("upgrade", [[], UPGRADE], ids=["request", "websocket"])
def test_raw_requests_pass_by_their_host(guarded: Server, upgrade: list[str]) -> None:
    line = "GET /graphql?query={version} HTTP/1.1"
    answered = 101 if upgrade else 200
    for host in ("localhost", "127.0.0.1:8080", "[::1]:3000", "LOCALHOST:8080"):
        assert raw(guarded, line, f"Host: {host}", *upgrade) == answered, host
        assert raw(guarded, line, f"Host: {host}", f"Origin: http://{host.lower()}", *upgrade) == answered, host
        assert raw(guarded, line, f"Host: {host}", "Origin: null", *upgrade) == 403, host
    for host in ("evil.example", "localhost.", "me@localhost", "127.0.0.1.evil.example:3000", "192.168.0.1"):
        assert raw(guarded, line, f"Host: {host}", *upgrade) == 403, host
    assert raw(guarded, line, "Host: localhost", "Host: evil.example", *upgrade) in (400, 403)
    assert raw(guarded, line, *upgrade) in (400, 403)
    assert raw(guarded, "GET /graphql?query={version} HTTP/1.0", *upgrade) in (400, 403)


def test_programs_without_origin_are_let_in_and_every_address_is_guarded(guarded: Server) -> None:
    assert guarded.query("{ version }")["version"]
    for path in (
        "/",
        "/graphql",
        "/server_info",
        "/favicon.ico",
        "/logs/a/b.out",
        "/nothing/here",
        "/report_asset_check/x",
    ):
        for method in ("GET", "POST", "OPTIONS"):
            for header in (
                {"Host": "evil.example"},
                {"Origin": "http://evil.example"},
                {"Sec-Fetch-Site": "cross-site"},
            ):
                answer = requests.request(method, guarded.url + path, headers=header, timeout=20)
                assert answer.status_code == 403, (method, path, header)
                assert "access-control-allow-origin" not in answer.headers


def test_a_dagster_that_serves_in_another_way_is_not_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(dagster_webserver.app, "DagsterWebserver")
    with pytest.raises(RuntimeError, match="dagster-webserver below"):
        guard_webserver()
