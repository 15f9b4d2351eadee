"""One cluster for all tests here: starting it takes longer than most of them."""

from collections.abc import Iterator

import pytest

from ecg_assets_tests.cluster.nodes import NODES, RayNodes, ray_nodes


@pytest.fixture(scope="package")
def running_cluster() -> Iterator[RayNodes]:
    """Head and nodes, as the test before has left them."""
    with ray_nodes(*NODES) as nodes:
        yield nodes


@pytest.fixture
def cluster(running_cluster: RayNodes) -> RayNodes:
    """The same with all of `NODES` alive."""
    running_cluster.join(*(host for host in NODES if host not in running_cluster.processes))
    return running_cluster
