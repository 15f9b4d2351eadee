"""What messages about a Ray cluster advise is done, and it helps."""

from pathlib import Path

import pytest

from ecg_assets.store.compute.pool import map_unordered
from ecg_assets.store.compute.ray_connection import EngineError
from ecg_assets.store.compute.ray_pool import RayEngine
from ecg_assets_tests.cluster.nodes import RayNodes
from ecg_assets_tests.cluster.work import WriteNumber
from ecg_assets_tests.conftest import AdviceGiven, quiet

# It starts nodes, which takes longer than a whole file of other tests.
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
