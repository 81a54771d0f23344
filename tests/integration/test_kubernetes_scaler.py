"""More replicas through a real API server: raised, never lowered, and not over somebody else's number."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.errors import RoutingError
from monitor.routing.scaler import Scale, judge_scale, raise_to
from monitor.routing.scaler_kubernetes import KubernetesScaler
from monitor.routing.scalers import build_scaler
from tests.support.apiserver import Cluster, running_cluster
from tests.support.envoy import wait_until

pytestmark = pytest.mark.timeout(1200)  # the first build of the API server may take minutes

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
RESOURCE = "apis/serving.example.com/v1/deployments"
OBJECTS = "/apis/serving.example.com/v1/namespaces/llm/deployments"
NUMBER = {"type": "integer"}
KIND = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "deployments.serving.example.com"},
    "spec": {
        "group": "serving.example.com",
        "names": {"plural": "deployments", "singular": "deployment", "kind": "Deployment"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
                },
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {"type": "object", "properties": {"replicas": NUMBER}},
                            "status": {
                                "type": "object",
                                "properties": {"replicas": NUMBER, "readyReplicas": NUMBER},
                            },
                        },
                    }
                },
            }
        ],
    },
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("scaler")) as running:
        assert running.admin.post(CRDS, json=KIND).is_success
        wait_until(lambda: running.admin.get(OBJECTS).is_success, "the kind with a scale to be served", 60)
        yield running


@pytest.fixture(scope="module")
def kubeconfig(cluster) -> Path:
    """That of someone who may scale."""
    path = cluster.kubeconfig("scaler")
    certificate, key = cluster.authority.client("one-who-scales", ("system:masters",))
    document = yaml.safe_load(path.read_text())
    document["users"][0]["user"] = {"client-certificate": str(certificate), "client-key": str(key)}
    path.write_text(yaml.safe_dump(document))
    return path


def put(cluster: Cluster, replicas: int) -> None:
    cluster.admin.delete(f"{OBJECTS}/bf16")
    body = {
        "apiVersion": "serving.example.com/v1",
        "kind": "Deployment",
        "metadata": {"name": "bf16"},
        "spec": {"replicas": replicas},
    }
    assert cluster.admin.post(OBJECTS, json=body).is_success


def stored(cluster: Cluster) -> dict[str, Any]:
    return cluster.admin.get(f"{OBJECTS}/bf16").json()


def change(cluster: Cluster, path: str, part: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/merge-patch+json"}
    assert cluster.admin.patch(f"{OBJECTS}/bf16{path}", json=part, headers=headers).is_success


@pytest.fixture
def scaler(cluster, kubeconfig) -> KubernetesScaler:
    put(cluster, 1)
    settings = {"kind": "kubernetes", "namespace": "llm", "name": "bf16", "resource": RESOURCE}
    found = build_scaler({**settings, "kubeconfig": str(kubeconfig)}, timeout_s=5)
    assert isinstance(found, KubernetesScaler)
    return found


def test_replicas_are_raised_and_waited_for(cluster, scaler):
    assert raise_to(scaler, 4) == Scale(wanted=4, ready=0)
    assert stored(cluster)["spec"]["replicas"] == 4
    assert not judge_scale(scaler.get_scale(), 4).ready
    change(cluster, "/status", {"status": {"replicas": 4, "readyReplicas": 4}})
    assert judge_scale(scaler.get_scale(), 4).ready


def test_a_larger_number_is_never_lowered(cluster, scaler):
    put(cluster, 6)
    assert raise_to(scaler, 4).wanted == 6
    assert stored(cluster)["spec"]["replicas"] == 6


def test_a_number_that_was_raised_meanwhile_is_not_written_over(cluster, scaler):
    scaler.get_scale()
    change(cluster, "", {"spec": {"replicas": 9}})
    with pytest.raises(RoutingError):
        scaler.set_scale(4)
    assert stored(cluster)["spec"]["replicas"] == 9


def test_what_is_not_there_is_told(cluster, kubeconfig):
    absent = KubernetesScaler("llm", "nobody", RESOURCE, str(kubeconfig))
    with pytest.raises(RoutingError, match="404"):
        raise_to(absent, 2)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"kind": "teleport"}, "kind must be one of kubernetes, webhook"),
        ({"kind": "kubernetes", "namespace": "llm"}, "name"),
        ({"kind": "kubernetes", "namespace": "LLM", "name": "x"}, "namespace must be a Kubernetes name"),
        ({"kind": "kubernetes", "namespace": "llm", "name": "x", "resource": "pods"}, "resource must be like"),
        ({"kind": "kubernetes", "namespace": "llm", "name": "x", "shape": 1}, "shape"),
    ],
)
def test_wrong_settings_are_told(settings, problem):
    with pytest.raises(ValueError, match=problem):
        build_scaler(settings, timeout_s=2)
