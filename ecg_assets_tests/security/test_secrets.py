"""Secrets come by environment variables, and occur in nothing that is written, shown or handed on by a command line."""

from ecg_assets_tests.integration.live import instance_of
from ecg_assets_tests.security.conftest import SECRETS, Watched

_RESOURCES = """
query Resources($selector: RepositorySelector!) {
  allTopLevelResourceDetailsOrError(repositorySelector: $selector) {
    __typename
    ... on ResourceDetailsList { results { name configuredValues { key value type } } }
  }
}
"""


def test_no_file_of_the_home_and_of_the_data_root_holds_a_secret(watched: Watched) -> None:
    files = [path for path in watched.written.rglob("*") if path.is_file()]
    names = {path.name for path in files}
    assert {"webserver.log", "runs.db", f"{watched.done}.db", "events.jsonl", "stamp.json"} <= names
    assert any(path.suffix in (".out", ".err") for path in files), "what the steps printed"
    for secret in SECRETS:
        assert not [path for path in files if secret.encode() in path.read_bytes()], secret


def test_the_failed_run_says_what_is_wrong_with_the_credentials_and_not_what_is_in_them(watched: Watched) -> None:
    with instance_of(watched.live.home) as instance:
        said = "\n".join(str(entry) for entry in instance.all_logs(watched.failed))
    assert "Google credentials" in said
    assert not [secret for secret in SECRETS if secret in said]


def test_no_process_was_started_with_a_secret_on_its_command_line(watched: Watched) -> None:
    assert any("pipes_trainer" in command for command in watched.commands)
    assert any("ecg_assets.ui.webserver" in command for command in watched.commands)
    assert not [command for command in watched.commands if any(secret in command for secret in SECRETS)]


def test_the_ui_shows_the_variables_name_and_not_its_value(watched: Watched) -> None:
    server = watched.live.server
    selector = {"repositoryLocationName": "ecg_assets.definitions", "repositoryName": "__repository__"}
    answer = server.query(_RESOURCES, selector=selector)["allTopLevelResourceDetailsOrError"]
    shown = {
        (one["name"], value["key"]): (value["type"], value["value"])
        for one in answer["results"]
        for value in one["configuredValues"]
    }
    assert ("ENV_VAR", "ECG_ALERT_WEBHOOK") in shown.values()
    assert not [secret for secret in SECRETS if secret in str(shown)]
