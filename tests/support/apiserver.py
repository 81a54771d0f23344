"""A real Kubernetes API server for custom resources (k8s.io/apiextensions-apiserver on etcd) with the HTTPRoute kind.

``python -m tests.support.apiserver`` builds it beforehand; the first build takes minutes, later ones nothing.
"""

import fcntl
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from monitor.models.route import TargetRef
from tests.support.access_reviews import WORKER, access_reviews
from tests.support.certificates import Authority
from tests.support.envoy import wait_until

API_SERVER = "k8s.io/apiextensions-apiserver@v0.35.7"
GATEWAY_API = "sigs.k8s.io/gateway-api@v1.4.1"
HTTPROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/llm/httproutes"
CONTROLLER = "example.com/gateway-controller"
STRANGER = "system:serviceaccount:llm:someone-else"
_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fullback-tests"
_START_S = 60.0
_PLAIN = str.maketrans(":/", "--")


def go() -> str | None:
    """The Go tool, where it is installed."""
    return shutil.which("go") or next((path for path in ("/usr/local/go/bin/go",) if Path(path).exists()), None)


def why_not() -> str | None:
    """Why there can be no API server on this machine; None when there can."""
    if go() is None:
        return "Go is not installed: the API server cannot be built"
    if shutil.which("etcd") is None:
        return "etcd is not installed (Debian: etcd-server)"
    return None


def binary() -> Path:
    """Build the API server unless it was built before; unoptimized, which takes a quarter less. Others wait."""
    folder = _CACHE / API_SERVER.rpartition("/")[2]
    path, new, parts = folder / "apiextensions-apiserver", folder / "new", folder / "parts"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            # Its compiled parts are over a gigabyte and of no use once the program is there.
            _go("install", "-gcflags=all=-N -l", "-ldflags=-s -w", API_SERVER, GOBIN=str(new), GOCACHE=str(parts))
            (new / path.name).replace(path)
            shutil.rmtree(parts)
    return path


def httproute_crd() -> dict[str, Any]:
    """The kind's definition, as the Gateway API publishes it."""
    module = json.loads(_go("mod", "download", "-json", GATEWAY_API))
    file = Path(module["Dir"]) / "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"
    return next(one for one in yaml.load_all(file.read_text(), yaml.CSafeLoader) if one)


def _go(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        ["nice", str(go()), *arguments],  # noqa: S607 - coreutils
        env={**os.environ, "GOFLAGS": "-buildvcs=false", **environment},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"go {arguments[0]} failed: {done.stderr[-2000:]}"
    return done.stdout


@dataclass(frozen=True)
class Cluster:
    """A running API server and ways to reach it."""

    folder: Path
    port: int
    admin: httpx.Client
    """With every right."""
    authority: Authority

    def client(self, user: str) -> httpx.Client:
        """A client with a user's certificate."""
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        context.load_cert_chain(*self.authority.client(user))
        return httpx.Client(base_url=self.url, verify=context, trust_env=False, timeout=20)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def kubeconfig(self, user: str = WORKER, url: str | None = None) -> Path:
        """Write a kubeconfig for a user, by default the one with the rights of the chart's Role."""
        path = self.folder / f"{(url or user).translate(_PLAIN)}.kubeconfig"
        certificate, key = self.authority.client(user)
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "test",
                    "cluster": {
                        "server": url or self.url,
                        "certificate-authority": str(self.authority.certificate),
                    },
                }
            ],
            "users": [{"name": user, "user": {"client-certificate": str(certificate), "client-key": str(key)}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "current-context": "test",
        }
        path.write_text(yaml.safe_dump(document))
        path.chmod(0o600)
        return path

    def ref(self, name: str, kubeconfig: Path | None = None, **settings: Any) -> TargetRef:
        """A reference to the HTTPRoute of this name, by default as the chart's worker sees it."""
        path = kubeconfig or self.kubeconfig()
        return TargetRef("httproute", {"namespace": "llm", "name": name, "kubeconfig": str(path), **settings})

    def create(self, document: Mapping[str, Any], manager: str = "kubectl-create") -> dict[str, Any]:
        """Put the object there, in place of one of the same name."""
        self.admin.delete(f"{HTTPROUTES}/{document['metadata']['name']}")
        answer = self.admin.post(HTTPROUTES, params={"fieldManager": manager}, json=document)
        assert answer.is_success, answer.text
        return answer.json()

    def get(self, name: str) -> dict[str, Any]:
        """The object as it is stored."""
        answer = self.admin.get(f"{HTTPROUTES}/{name}")
        assert answer.is_success, answer.text
        return answer.json()

    def patch(self, name: str, operations: list[dict[str, Any]], manager: str = "kubectl-edit") -> dict[str, Any]:
        """Change the object as somebody else does."""
        answer = self.admin.patch(
            f"{HTTPROUTES}/{name}",
            params={"fieldManager": manager},
            content=json.dumps(operations),
            headers={"Content-Type": "application/json-patch+json"},
        )
        assert answer.is_success, answer.text
        return answer.json()

    def server_side_apply(self, document: Mapping[str, Any], manager: str) -> dict[str, Any]:
        """Apply the object as Argo CD and Flux do."""
        answer = self.admin.patch(
            f"{HTTPROUTES}/{document['metadata']['name']}",
            params={"fieldManager": manager, "force": "true"},
            content=json.dumps(document),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )
        assert answer.is_success, answer.text
        return answer.json()

    def say(self, name: str, *, lag: int = 0, controller: str = CONTROLLER, **conditions: str) -> None:
        """Write the status that a gateway would: ``Accepted="True"``, ``ResolvedRefs="False"`` and so on."""
        found = self.get(name)
        listed = [
            {
                "type": kind,
                "status": status,
                "reason": f"{kind}Reason",
                "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
                "observedGeneration": found["metadata"]["generation"] - lag,
            }
            for kind, status in {"Accepted": "True", "ResolvedRefs": "True", **conditions}.items()
        ]
        parents = [
            {"parentRef": parent, "controllerName": controller, "conditions": listed}
            for parent in found["spec"]["parentRefs"]
        ]
        answer = self.admin.patch(
            f"{HTTPROUTES}/{name}/status",
            params={"fieldManager": "gateway-controller"},
            content=json.dumps({"status": {"parents": parents}}),
            headers={"Content-Type": "application/merge-patch+json"},
        )
        assert answer.is_success, answer.text

    @contextmanager
    def gateway(self, name: str) -> Iterator[None]:
        """Have a gateway follow the object for a while, by its status."""
        stop = threading.Event()

        def follow() -> None:
            told = None
            while not stop.wait(0.01):
                answer = self.admin.get(f"{HTTPROUTES}/{name}")
                if not answer.is_success:
                    continue
                metadata = answer.json()["metadata"]
                now = (metadata["uid"], metadata["generation"])
                if now != told:
                    self.say(name)
                    told = now

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(10)


@contextmanager
def running_cluster(folder: Path) -> Iterator[Cluster]:
    """Run etcd and the API server with the HTTPRoute kind; skip where that cannot be."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    program = binary()
    authority = Authority(folder)
    with ExitStack() as stack:
        etcd = stack.enter_context(_etcd(folder))
        reviewer = stack.enter_context(access_reviews())
        port = _free_port()
        stack.enter_context(_process(_command(program, folder, authority, port, etcd, reviewer), folder / "api.log"))
        context = ssl.create_default_context(cafile=str(authority.certificate))
        context.load_cert_chain(*authority.client("admin", ("system:masters",)))
        admin = stack.enter_context(
            httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context, trust_env=False, timeout=20)
        )
        wait_until(lambda: _answers(admin, _CRDS), f"the API server; see {folder}/api.log", _START_S)
        answer = admin.post(_CRDS, json=httproute_crd())
        assert answer.is_success, answer.text[:2000]
        wait_until(lambda: _answers(admin, HTTPROUTES), "the HTTPRoute kind to be served", _START_S)
        yield Cluster(folder, port, admin, authority)


def _command(program: Path, folder: Path, authority: Authority, port: int, etcd: str, reviewer: str) -> list[str]:
    core = folder / "core.kubeconfig"
    core.write_text(yaml.safe_dump(_kubeconfig_of_the_core(reviewer)))
    certificate, key = authority.server()
    off = "NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ValidatingAdmissionPolicy"
    return [
        str(program),
        *("--etcd-servers", etcd),
        *("--bind-address", "127.0.0.1", "--secure-port", str(port)),
        *("--tls-cert-file", str(certificate), "--tls-private-key-file", str(key)),
        *("--client-ca-file", str(authority.certificate), "--authentication-skip-lookup"),
        *("--authentication-kubeconfig", str(core), "--authorization-kubeconfig", str(core)),
        *("--kubeconfig", str(core), "--enable-priority-and-fairness=false"),
        *("--disable-admission-plugins", off),
    ]


def _kubeconfig_of_the_core(url: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "core", "cluster": {"server": url}}],
        "users": [{"name": "none", "user": {}}],
        "contexts": [{"name": "core", "context": {"cluster": "core", "user": "none"}}],
        "current-context": "core",
    }


@contextmanager
def _etcd(folder: Path) -> Iterator[str]:
    client, peer = f"http://127.0.0.1:{_free_port()}", f"http://127.0.0.1:{_free_port()}"
    command = [
        *("etcd", "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync", "--log-level", "error"),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", f"default={peer}"),
    ]
    with _process(command, folder / "etcd.log"), httpx.Client(base_url=client, trust_env=False) as http:
        wait_until(lambda: _answers(http, "/health"), f"etcd; see {folder}/etcd.log", _START_S)
        yield client


@contextmanager
def _process(command: list[str], log: Path) -> Iterator[None]:
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=log.parent)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).is_success
    except httpx.TransportError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    missing = why_not()
    print(missing or f"the API server is at {binary()}")
    sys.exit(0)
