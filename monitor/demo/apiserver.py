"""A real Kubernetes API server that serves HTTPRoutes: ``k8s.io/apiextensions-apiserver`` on etcd.

It is the part of a cluster that keeps objects. Who may do what is asked of a core API server; here a few lines answer.
"""

import json
import os
import secrets
import shutil
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
from typing_extensions import override

from monitor.clock import Clock
from monitor.demo.processes import Children, free_port

__all__ = [
    "GATEWAY",
    "HTTPROUTES",
    "NAMESPACE",
    "WORKER",
    "ApiServer",
    "Executables",
    "api_client",
    "find_executables",
    "may",
]

NAMESPACE: Final = "llm"
HTTPROUTES: Final = f"/apis/gateway.networking.k8s.io/v1/namespaces/{NAMESPACE}/httproutes"
WORKER: Final = "system:serviceaccount:fullback:fullback-worker"
"""Fullback: may do what the chart's Role allows."""
GATEWAY: Final = "system:serviceaccount:gateway:gateway-controller"
_ADMIN: Final = "demo-admin"
_MASTERS: Final = "system:masters"
_RIGHTS: Final[Mapping[str, frozenset[tuple[str, str]]]] = {
    WORKER: frozenset({("get", ""), ("patch", "")}),
    GATEWAY: frozenset({("get", ""), ("list", ""), ("watch", ""), ("patch", "status")}),
}
"""Verbs and subresources of HTTPRoutes, by user."""
_API_SERVER: Final = "k8s.io/apiextensions-apiserver@v0.35.7"
_GATEWAY_API: Final = "sigs.k8s.io/gateway-api@v1.4.1"
_DEFINITION: Final = "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"
_DEFINITIONS: Final = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_START_S: Final = 60.0
_EVERY_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Executables:
    """What an API server with HTTPRoutes takes."""

    api_server: Path
    etcd: Path
    definition: Path
    """The kind's definition, as the Gateway API publishes it."""


def find_executables(env: Mapping[str, str]) -> Executables:
    """Return where the parts are: by ``FULLBACK_DEMO_*``, on PATH, or where Go puts them.

    Raises:
        FileNotFoundError: some are missing; the message says which, and how to get them.
    """
    go = Path(env.get("GOPATH", "").split(os.pathsep)[0] or Path.home() / "go")
    programs = Path(env.get("GOBIN") or go / "bin")
    modules = Path(env.get("GOMODCACHE") or go / "pkg" / "mod")
    found = {
        f"go install {_API_SERVER}": _first(
            env.get("FULLBACK_DEMO_APISERVER"),
            shutil.which("apiextensions-apiserver", path=env.get("PATH")),
            programs / "apiextensions-apiserver",
        ),
        "apt-get install etcd-server": _first(
            env.get("FULLBACK_DEMO_ETCD"), shutil.which("etcd", path=env.get("PATH"))
        ),
        f"go mod download {_GATEWAY_API}": _first(
            env.get("FULLBACK_DEMO_HTTPROUTE_CRD"), modules / _GATEWAY_API / _DEFINITION
        ),
    }
    missing = [how for how, path in found.items() if path is None]
    if find_spec("kubernetes") is None:
        missing.append("pip install 'fullback[kubernetes]'")
    api_server, etcd, definition = found.values()
    if missing or api_server is None or etcd is None or definition is None:
        raise FileNotFoundError(
            "the target httproute needs a Kubernetes API server for custom resources, etcd, the HTTPRoute kind and the "
            f"Kubernetes client. Missing here: {'; '.join(missing)}. Paths may be given by FULLBACK_DEMO_APISERVER, "
            "FULLBACK_DEMO_ETCD and FULLBACK_DEMO_HTTPROUTE_CRD"
        )
    return Executables(api_server, etcd, definition)


def _first(given: str | None, *elsewhere: str | Path | None) -> Path | None:
    """Return what was named, or else the first that exists; what was named and is not there is missing."""
    if given:
        return Path(given) if Path(given).is_file() else None
    return next((Path(path) for path in elsewhere if path is not None and Path(path).is_file()), None)


class ApiServer:
    """Runs etcd and the API server; use as a context manager, which ends what is in this process.

    Args:
        executables: what is run.
        directory: gets the data, the certificate and the kubeconfigs.
        children: starts the processes and ends them.
        clock: for waiting.
    """

    def __init__(self, executables: Executables, directory: Path, children: Children, clock: Clock) -> None:
        self._executables = executables
        self._directory = directory
        self._children = children
        self._clock = clock
        self._core = _Core()
        self._port = free_port()
        self.url = f"https://127.0.0.1:{self._port}"

    @property
    def certificate(self) -> Path:
        """The server's certificate, which it signs itself."""
        return self._directory / "certificates" / "apiserver.crt"

    def start(self) -> None:
        """Start both, and wait until HTTPRoutes are served.

        Raises:
            RuntimeError: one of them does not come up.
        """
        self._directory.mkdir()
        (self._directory / "core.kubeconfig").write_text(json.dumps(_kubeconfig({"server": self._core.url}, {})))
        etcd = self._start_etcd()
        self._children.start("apiserver", self._command(etcd))
        self._wait(self.certificate.exists, "the API server's certificate")
        with self.client() as admin:
            self._wait(lambda: _answers(admin, _DEFINITIONS), "the API server")
            definition = self._executables.definition.read_bytes()
            reply = admin.post(_DEFINITIONS, content=definition, headers={"Content-Type": "application/yaml"})
            if not reply.is_success:
                raise RuntimeError(f"the HTTPRoute kind was refused: HTTP {reply.status_code} {reply.text[:500]}")
            self._wait(lambda: _answers(admin, HTTPROUTES), "the HTTPRoute kind")

    def client(self) -> httpx.Client:
        """Return a client with every right."""
        return api_client(self.url, self.certificate, self._core.token_of(_ADMIN))

    def token_file(self, user: str) -> Path:
        """Write a user's token to a file of its own."""
        path = self._directory / f"{user.rpartition(':')[2]}.token"
        path.touch(mode=0o600)
        path.write_text(self._core.token_of(user))
        return path

    def kubeconfig(self, user: str) -> Path:
        """Write a kubeconfig for a user."""
        path = self._directory / f"{user.rpartition(':')[2]}.kubeconfig"
        cluster = {"server": self.url, "certificate-authority": str(self.certificate)}
        path.touch(mode=0o600)
        path.write_text(json.dumps(_kubeconfig(cluster, {"token": self._core.token_of(user)})))
        return path

    def _start_etcd(self) -> str:
        client, peer = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
        command = [str(self._executables.etcd), "--data-dir", str(self._directory / "etcd"), "--unsafe-no-fsync"]
        command += ["--log-level", "error", "--listen-client-urls", client, "--advertise-client-urls", client]
        command += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer]
        command += ["--initial-cluster", f"default={peer}"]
        self._children.start("etcd", command)
        with httpx.Client(base_url=client, trust_env=False, timeout=5) as asking:
            self._wait(lambda: _answers(asking, "/health"), "etcd")
        return client

    def _command(self, etcd: str) -> list[str]:
        core = str(self._directory / "core.kubeconfig")
        off = "NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ValidatingAdmissionPolicy"
        command = [str(self._executables.api_server), "--etcd-servers", etcd]
        command += ["--bind-address", "127.0.0.1", "--secure-port", str(self._port)]
        command += ["--cert-dir", str(self.certificate.parent), "--authentication-skip-lookup"]
        command += ["--authentication-kubeconfig", core, "--authorization-kubeconfig", core, "--kubeconfig", core]
        return [*command, "--enable-priority-and-fairness=false", "--disable-admission-plugins", off]

    def _wait(self, done: Any, what: str) -> None:
        for _ in range(int(_START_S / _EVERY_S)):
            if done():
                return
            if self._children.ended():
                break
            self._clock.wait(_EVERY_S)
        raise RuntimeError(f"{what} did not come up within {_START_S:g} s")

    def __enter__(self) -> Self:
        """Start answering what the API server asks."""
        self._core.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop answering."""
        self._core.close()


def api_client(url: str, certificate: Path, token: str) -> httpx.Client:
    """Return a client of an API server."""
    context = ssl.create_default_context(cafile=str(certificate))
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=url, verify=context, headers=headers, trust_env=False, timeout=20)


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).is_success
    except httpx.TransportError:
        return False


def _kubeconfig(cluster: Mapping[str, str], user: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "demo", "cluster": dict(cluster)}],
        "users": [{"name": "demo", "user": dict(user)}],
        "contexts": [{"name": "demo", "context": {"cluster": "demo", "user": "demo"}}],
        "current-context": "demo",
    }


class _Core:
    """Answers whose a token is (TokenReview) and what its owner may do (SubjectAccessReview)."""

    def __init__(self) -> None:
        self._tokens = {user: secrets.token_urlsafe(24) for user in (*_RIGHTS, _ADMIN)}
        core = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps({**review, "status": core.judge(review)}).encode()
                self.send_response(201)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            @override
            def log_message(self, format: str, *args: object) -> None:
                """Stay silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def token_of(self, user: str) -> str:
        """Return a user's token."""
        return self._tokens[user]

    def judge(self, review: Mapping[str, Any]) -> dict[str, Any]:
        """Return the status of a review."""
        if review["kind"] == "TokenReview":
            return self._owner(str(review["spec"].get("token")))
        return {"allowed": may(review["spec"])}

    def _owner(self, token: str) -> dict[str, Any]:
        user = next((name for name, own in self._tokens.items() if secrets.compare_digest(own, token)), None)
        if user is None:
            return {"authenticated": False}
        groups = ["system:authenticated", *([_MASTERS] if user == _ADMIN else [])]
        return {"authenticated": True, "user": {"username": user, "groups": groups}}

    def start(self) -> None:
        """Start answering."""
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def may(spec: Mapping[str, Any]) -> bool:
    """Tell whether the roles of the demo's users allow what a SubjectAccessReview asks."""
    wanted = spec.get("resourceAttributes") or {}
    named = (wanted.get("group"), wanted.get("resource"), wanted.get("namespace"))
    asked = (wanted.get("verb"), wanted.get("subresource") or "")
    return named == ("gateway.networking.k8s.io", "httproutes", NAMESPACE) and asked in _RIGHTS.get(
        str(spec.get("user")), ()
    )
