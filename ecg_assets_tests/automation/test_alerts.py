"""A failed run is told to the webhook: a real run, a real HTTP server; its address is told to nobody."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dagster as dg
import pytest

from ecg_assets.automation.alerts import alert_on_failure
from ecg_assets.resources.webhook import WEBHOOK_VARIABLE, Alert, WebhookResource
from ecg_assets_tests.conftest import AdviceGiven

SECRET = "T000-secret-B111"
ALERT = Alert(text="job failed: no", job="job", run_id="1", steps=["pages"], errors=["no"])


@dataclass
class Webhook:
    """What a local server was sent."""

    url: str
    bodies: list[Any] = field(default_factory=list)


@contextmanager
def webhook(status: int = 200, wait_s: float = 0.0) -> Iterator[Webhook]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            time.sleep(wait_s)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", told.url)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Webhook(f"http://127.0.0.1:{server.server_port}/services/{SECRET}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()


@dg.op
def breaks() -> None:
    try:
        raise ValueError("record 7 has no lead II\nand more lines")
    except ValueError as error:
        raise RuntimeError("outer") from error


@dg.job
def rebuild() -> None:
    breaks()


@pytest.fixture
def failed() -> Iterator[tuple[dg.DagsterInstance, dg.ExecuteInProcessResult]]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance, rebuild.execute_in_process(instance=instance, raise_on_error=False)


def tell(failed: tuple[dg.DagsterInstance, dg.ExecuteInProcessResult], url: str, timeout_s: float = 10.0) -> None:
    instance, result = failed
    context = dg.build_run_status_sensor_context(
        sensor_name="alert_on_failure",
        dagster_event=result.get_run_failure_event(),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        resources={"alerts": WebhookResource(url=url, timeout_s=timeout_s)},
    ).for_run_failure()
    alert_on_failure(context)


def test_the_webhook_gets_the_run_the_step_and_the_innermost_reason(
    failed: tuple[dg.DagsterInstance, dg.ExecuteInProcessResult],
) -> None:
    with webhook() as told:
        tell(failed, told.url)
    (body,) = told.bodies
    assert body["job"] == "rebuild"
    assert body["run_id"] == failed[1].run_id
    assert body["steps"] == ["breaks"]
    assert body["errors"] == ["ValueError: record 7 has no lead II"]
    assert body["text"] == "rebuild failed: ValueError: record 7 has no lead II"


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_refuses_fails_nothing_and_its_address_is_not_told(
    failed: tuple[dg.DagsterInstance, dg.ExecuteInProcessResult], status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    with webhook(status) as told:
        tell(failed, told.url)
        assert WebhookResource(url=told.url).post(ALERT) == f"the webhook answered {status}"
    said = "".join(capfd.readouterr())
    assert "could not post" in said
    assert f"the webhook answered {status}" in said
    assert SECRET not in said
    assert "127.0.0.1" not in said


def test_a_webhook_that_does_not_answer_is_given_up_in_time() -> None:
    with webhook(wait_s=3.0) as told:
        begin = time.monotonic()
        problem = WebhookResource(url=told.url, timeout_s=0.3).post(ALERT)
        assert time.monotonic() - begin < 2
    assert problem == "the webhook cannot be reached (TimeoutError)"


@pytest.mark.advice("resources/webhook.py", " is not an http:// or https:// URL; set it to the webhook's")
def test_the_address_is_set_to_the_webhook_s(advice: AdviceGiven) -> None:
    with webhook() as told:
        without_scheme = told.url.removeprefix("http://")
        advice.in_message(WebhookResource(url=without_scheme).post(ALERT))
        assert WebhookResource(url=told.url).post(ALERT) is None
    assert told.bodies == [ALERT.model_dump()]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"http://127.0.0.1:1/{SECRET}", "cannot be reached (ConnectionRefusedError)"),
        (f"http://{SECRET}.invalid/", "cannot be reached"),
        (f"http://127.0.0.1:{SECRET}/", "cannot be reached"),
        (f"file:///etc/{SECRET}", f"{WEBHOOK_VARIABLE} is not an http:// or https:// URL"),
        ("", f"{WEBHOOK_VARIABLE} is not an http:// or https:// URL"),
    ],
)
def test_an_address_that_leads_nowhere_is_a_sentence_without_the_address(url: str, says: str) -> None:
    problem = WebhookResource(url=url, timeout_s=2).post(ALERT)
    assert problem is not None
    assert says in problem
    assert SECRET not in problem


def test_the_address_comes_from_the_environment_and_is_in_no_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    from ecg_assets.definitions import definitions

    monkeypatch.setenv(WEBHOOK_VARIABLE, f"https://example.org/{SECRET}")
    resource = definitions().resources
    assert resource is not None
    assert SECRET not in repr(resource["alerts"])
    with dg.build_resources({"alerts": resource["alerts"]}) as built:
        assert built.alerts.url.endswith(SECRET)
