"""The Ray engine on two loopback nodes: the results of local processes, errors as they are, nothing left behind."""

import os
import signal
from pathlib import Path

import pytest

from ecg_assets.scans.inbox import inbox
from ecg_assets.scans.stage import segment_inbox
from ecg_assets.store.compute.node_versions import NodeDiffersError, require_versions, versions_here
from ecg_assets.store.compute.pool import Workers, map_unordered
from ecg_assets.store.compute.ray_connection import EngineError
from ecg_assets.store.compute.ray_pool import NotSharedError, RayEngine
from ecg_assets.store.root import open_root
from ecg_assets_tests.cluster.nodes import NODES, RayNodes, free_port
from ecg_assets_tests.cluster.work import BadItemError, WriteNumber, hide_probe, refuse_three, sleep_noting
from ecg_assets_tests.conftest import quiet
from ecg_assets_tests.integration.live import until
from ecg_assets_tests.scans.test_stage import checkpoint, put

pytestmark = pytest.mark.cluster


def engine(cluster: RayNodes, folder: Path, lines: list[str] | None = None) -> RayEngine:
    return RayEngine(folder, quiet if lines is None else lines.append, cluster.address)


def test_every_item_is_worked_on_and_the_log_says_on_which_machine(cluster: RayNodes, tmp_path: Path) -> None:
    lines: list[str] = []
    results = set(map_unordered(WriteNumber(tmp_path), range(12), engine(cluster, tmp_path, lines)))
    assert results == set(map_unordered(WriteNumber(tmp_path, 0), range(12), 1))
    assert all(node in lines[-1] for node in NODES), lines
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".tmp")] == []


def test_an_exception_is_the_one_that_a_local_run_raises(cluster: RayNodes, tmp_path: Path) -> None:
    with pytest.raises(BadItemError, match="3 is bad") as caught:
        list(map_unordered(refuse_three, range(6), engine(cluster, tmp_path)))
    assert type(caught.value) is BadItemError


def test_a_machine_that_does_not_see_the_data_root_is_named(cluster: RayNodes, tmp_path: Path) -> None:
    with pytest.raises(NotSharedError, match=r"127\.0\.0\.1\d .* must mount the data root"):
        list(map_unordered(hide_probe, [str(tmp_path)] * 8, engine(cluster, tmp_path)))


def test_a_run_that_is_left_ends_its_tasks_and_keeps_its_signal_handlers(cluster: RayNodes, tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    noted = [tmp_path / name for name in ("a", "b")]
    work = map_unordered(sleep_noting, [str(tmp_path / "short"), *map(str, noted)], engine(cluster, tmp_path))
    next(work)
    until(lambda: any(path.exists() and path.read_text() for path in noted), 30, "a task that runs")
    running = [int(path.read_text()) for path in noted if path.exists()]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    work.close()  # type: ignore[attr-defined]
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in running), 20, f"the end of {running}")


@pytest.mark.soak
def test_the_masks_of_images_are_the_same_bytes(cluster: RayNodes, tmp_path: Path) -> None:
    weights, digests = checkpoint(tmp_path), []
    places: list[tuple[str, Workers]] = [("here", 1), ("there", engine(cluster, tmp_path))]
    for name, workers in places:
        root = open_root(tmp_path / name)
        for image in ("1.png", "22.png"):
            put(root, image)
        (inbox(root) / "broken.png").write_bytes(b"no image")
        report = segment_inbox(root, weights, quiet, workers)
        assert (len(report.made), list(report.unreadable)) == (2, ["broken.png"])
        digests.append(report.digest)
    assert digests[0] == digests[1]


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.2", "expected auto, or host:port"),
        (f"127.0.0.2:{free_port('127.0.0.2')}", "no Ray head answers"),
    ],
    ids=["no port", "nobody listens"],
)
def test_a_cluster_that_is_not_there_is_said_at_once(tmp_path: Path, address: str, says: str) -> None:
    with pytest.raises(EngineError, match=says):
        list(map_unordered(refuse_three, [1], RayEngine(tmp_path, quiet, address)))


def test_a_machine_with_another_version_refuses_to_work() -> None:
    require_versions(versions_here(), versions_here(), "node")
    assert os.sep not in versions_here()["ecg_assets"]
    with pytest.raises(NodeDiffersError, match=r"10\.0\.0\.7 has numpy 1\.0, not .*install the same commit"):
        require_versions(versions_here(), versions_here() | {"numpy": "1.0"}, "10.0.0.7")
