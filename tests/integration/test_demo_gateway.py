"""The demo's HTTPRoute for real: an API server, a gateway controller, Envoy."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from monitor.clock import SystemClock
from monitor.demo.apiserver import GATEWAY, HTTPROUTES, WORKER, api_client
from monitor.demo.cluster import Cluster, Engines
from monitor.demo.envoy import envoy_command, generation_in, wait_ready, write_bootstrap
from monitor.demo.gateway import CONTROLLER
from monitor.demo.names import BASELINE, CANDIDATE, ROUTE
from monitor.demo.processes import Children, free_port
from monitor.demo.routers import HttpRouteRouter
from monitor.models.route import DesiredRoute, TargetRef
from monitor.routing.registry import build
from tests.support.demo_parts import httproute_parts, why_no_httproute
from tests.support.envoy import wait_until

pytestmark = [
    pytest.mark.skipif(why_no_httproute() is not None, reason=str(why_no_httproute())),
    pytest.mark.timeout(1200),
]


@dataclass(frozen=True)
class Stand:
    router: HttpRouteRouter
    cluster: Cluster
    children: Children

    @property
    def ref(self) -> TargetRef:
        return TargetRef.from_json(self.router.target())

    def envoy(self) -> dict:
        dump = httpx.get(f"{self.cluster.envoy.admin_url}/config_dump", trust_env=False).json()
        return dump | {"generation": generation_in(dump)}

    def split(self) -> tuple[dict[str, int], list[str]]:
        found = json.loads(self.cluster.route_file.read_text())
        action = found["resources"][0]["virtual_hosts"][0]["routes"][0]["route"]
        weights = {one["name"]: one["weight"] for one in action["weighted_clusters"]["clusters"]}
        return weights, [one["cluster"] for one in action["request_mirror_policies"]]


@pytest.fixture(scope="module")
def stand(tmp_path_factory) -> Iterator[Stand]:
    directory = tmp_path_factory.mktemp("demo")
    clock = SystemClock()
    children = Children(directory, clock)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name, value in httproute_parts().items():
            patch.setenv(name, value)
        stack.callback(children.end_all)
        cluster = Cluster(directory, children, Engines(children, directory, 1), clock)
        router = HttpRouteRouter(cluster, directory / "router", children, stack, clock)
        said = router.start()
        assert ROUTE in (said or "")
        bootstrap = directory / "envoy.json"
        backends = {name: free_port() for name in (BASELINE, CANDIDATE)}
        write_bootstrap(bootstrap, cluster.envoy, cluster.route_file, cluster.access_log, backends)
        children.start("envoy", envoy_command(bootstrap))
        wait_ready(cluster.envoy.admin_url, clock)
        router.settled()
        yield Stand(router, cluster, children)
        assert not children.ended()


def test_the_gateway_puts_a_flip_in_force_and_says_so(stand):
    target = build(stand.ref)
    found = target.read()
    assert found.weights == {CANDIDATE: 90, BASELINE: 10}
    assert found.mirror == BASELINE
    assert not found.pending
    desired = DesiredRoute(1, {BASELINE: 100, CANDIDATE: 0}, CANDIDATE)
    assert target.rehearse(desired).ok
    target.apply(desired)
    wait_until(lambda: target.read().shows(desired), "the gateway to follow", 20)
    assert stand.split() == ({CANDIDATE: 0, BASELINE: 100}, [CANDIDATE])
    with stand.router._api.client() as admin:
        route = admin.get(f"{HTTPROUTES}/{ROUTE}").json()
    assert stand.envoy()["generation"] == route["metadata"]["generation"]
    (parent,) = route["status"]["parents"]
    assert parent["controllerName"] == CONTROLLER
    assert {one["observedGeneration"] for one in parent["conditions"]} == {route["metadata"]["generation"]}


def test_what_the_gateway_cannot_serve_is_refused_in_the_status_and_envoy_keeps_what_it_has(stand):
    target, before = build(stand.ref), stand.split()
    with stand.router._api.client() as admin:
        good = admin.get(f"{HTTPROUTES}/{ROUTE}").json()["spec"]
        rules = [*good["rules"], {**good["rules"][0], "name": "second"}]
        _change(admin, rules)
        wait_until(lambda: "UnsupportedValue" in str(target.read().pending), "the refusal", 20)
        assert stand.split() == before
        _change(admin, good["rules"])
        wait_until(lambda: not target.read().pending, "the gateway to follow", 20)


def _change(admin: httpx.Client, rules: list) -> None:
    patch = {"spec": {"rules": rules}}
    headers = {"Content-Type": "application/merge-patch+json"}
    assert admin.patch(f"{HTTPROUTES}/{ROUTE}", content=json.dumps(patch), headers=headers).is_success


def test_each_part_may_do_what_its_role_allows_and_no_more(stand):
    api = stand.router._api

    def asked(user: str, method: str, path: str) -> int:
        headers = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
        with api_client(api.url, api.certificate, api.token_file(user).read_text()) as client:
            return client.request(
                method, path, content="{}" if method == "PATCH" else None, headers=headers
            ).status_code

    own, status = f"{HTTPROUTES}/{ROUTE}", f"{HTTPROUTES}/{ROUTE}/status"
    assert (asked(WORKER, "GET", own), asked(WORKER, "PATCH", own)) == (200, 200)
    assert (asked(WORKER, "PATCH", status), asked(WORKER, "GET", HTTPROUTES), asked(WORKER, "DELETE", own)) == (
        403,
    ) * 3
    assert (asked(GATEWAY, "GET", HTTPROUTES), asked(GATEWAY, "PATCH", status)) == (200, 200)
    assert (asked(GATEWAY, "PATCH", own), asked(GATEWAY, "DELETE", own)) == (403, 403)
    with api_client(api.url, api.certificate, "invented") as nobody:
        assert nobody.get(own).status_code == 401
    for file in (
        *Path(api.certificate.parents[1]).glob("*.token"),
        *api.certificate.parents[1].glob("gateway*.kubeconfig"),
    ):
        assert file.stat().st_mode & 0o077 == 0
