"""What messages about a Ray cluster advise is done, and it helps."""

import shutil
from pathlib import Path

import pytest

from ecg_assets.store.compute.node_versions import NodeDiffersError
from ecg_assets.store.compute.pool import map_unordered
from ecg_assets.store.compute.ray_connection import EngineError
from ecg_assets.store.compute.ray_pool import RayEngine
from ecg_assets_tests.cluster.nodes import NODES, RayNodes
from ecg_assets_tests.cluster.work import WriteNumber
from ecg_assets_tests.conftest import AdviceGiven, quiet
from ecg_assets_tests.integration.live import CHECKOUT

# Each starts nodes, which takes longer than a whole file of other tests.
pytestmark = [pytest.mark.cluster, pytest.mark.soak]


def work(engine: RayEngine, folder: Path) -> int:
    return len(list(map_unordered(WriteNumber(folder), range(4), engine)))


@pytest.mark.advice(
    "store/compute/ray_pool.py", " s: start nodes that have, and run again; finished shards are not made "
)
def test_nodes_with_more_cores_are_started(cluster: RayNodes, tmp_path: Path, advice: AdviceGiven) -> None:
    engine = RayEngine(tmp_path, quiet, cluster.address, cpus_per_task=5.0, patience_s=0.1)
    with pytest.raises(EngineError) as caught:
        work(engine, tmp_path)
    advice.in_message(caught.value)
    cluster.join("127.0.0.15", arguments=("--num-cpus=5",))
    try:
        assert work(engine, tmp_path) == 4
    finally:
        cluster.kill("127.0.0.15")


@pytest.mark.advice(
    "store/compute/node_versions.py", ": install the same commit and constraints.txt on every machine, and "
)
def test_the_same_code_is_installed_everywhere(cluster: RayNodes, tmp_path: Path, advice: AdviceGiven) -> None:
    other, shared = tmp_path / "other", tmp_path / "shared"
    shared.mkdir()
    for name in ("ecg_assets", "ecg_assets_tests"):
        shutil.copytree(CHECKOUT / name, other / name, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    (other / "ecg_assets" / "later.py").write_text('"""Of another commit."""\n')
    for host in NODES:
        cluster.kill(host)
    cluster.join(NODES[0], variables={"PYTHONPATH": str(other)})
    engine = RayEngine(shared, quiet, cluster.address)
    with pytest.raises(NodeDiffersError) as caught:
        work(engine, shared)
    advice.in_message(caught.value)
    cluster.kill(NODES[0])
    cluster.join(NODES[0])
    assert work(engine, shared) == 4
