"""How the suite itself runs."""

import pytest


def test_workers_take_whole_files(request: pytest.FixtureRequest) -> None:
    """xdist marks the groups in the tests' names; with pytest 9.1 it marks none, and files are torn apart unnoticed."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("needs workers: pytest -n 2 --dist loadgroup, as `make test` runs it")
    assert request.node.nodeid.endswith("@integration/test_suite.py")
