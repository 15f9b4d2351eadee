"""The manifests under deploy/: strictly valid for Kubernetes, and what GKE asks of a job on several TPU hosts."""

import copy
from collections.abc import Callable
from math import prod
from typing import Any

import kubernetes_validate
import pytest
import yaml

from ecg_assets.training.config import load_config
from ecg_assets.training.tpu.pod_hosts import host_bounds
from ecg_assets_tests.integration.live import CHECKOUT

KUBERNETES = "1.31"
MANIFESTS = sorted((CHECKOUT / "deploy").glob("*.yaml"))


def documents(path: Any) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))


@pytest.fixture
def service_and_job() -> tuple[dict[str, Any], dict[str, Any]]:
    service, job = documents(CHECKOUT / "deploy" / "tpu-pod-job.yaml")
    return service, job


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_is_strictly_valid(path: Any) -> None:
    for document in documents(path):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def no_mode(job: dict[str, Any]) -> None:
    job["spec"]["completion_mode"] = job["spec"].pop("completionMode")


def number_as_text(job: dict[str, Any]) -> None:
    job["spec"]["parallelism"] = "4"


@pytest.mark.parametrize("spoil", [no_mode, number_as_text])
def test_validation_would_find_a_misspelt_field_and_a_wrong_type(
    service_and_job: tuple[dict[str, Any], dict[str, Any]], spoil: Callable[[dict[str, Any]], None]
) -> None:
    job = copy.deepcopy(service_and_job[1])
    spoil(job)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, KUBERNETES, strict=True)


def test_gke_gives_ids_and_addresses_to_this_job(service_and_job: tuple[dict[str, Any], dict[str, Any]]) -> None:
    service, job = service_and_job
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["parallelism"] == spec["completions"] > 1
    assert service["spec"]["clusterIP"] == "None"
    assert (service["metadata"]["name"], service["spec"]["selector"]["job-name"]) == (
        pod["subdomain"],
        job["metadata"]["name"],
    )
    (container,) = pod["containers"]
    chips = int(container["resources"]["limits"]["google.com/tpu"])
    topology = pod["nodeSelector"]["cloud.google.com/gke-tpu-topology"]
    assert prod(map(int, topology.split("x"))) == chips * spec["parallelism"]
    assert prod(map(int, host_bounds(topology).split(","))) == spec["parallelism"]
    assert (spec["backoffLimit"], pod["restartPolicy"]) == (0, "Never")


def test_the_command_trains_in_a_run_folder_of_the_mounted_data_root(
    service_and_job: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    (container,) = service_and_job[1]["spec"]["template"]["spec"]["containers"]
    data = next(each["value"] for each in container["env"] if each["name"] == "ECG_ASSETS_DATA")
    folder = container["command"][-1]
    assert folder.rpartition("/")[0] == f"{data}/runs"
    assert load_config(folder.rpartition("/")[2]).experiment == folder.rpartition("/")[2]
    assert data in [mount["mountPath"] for mount in container["volumeMounts"]]
