"""The two questions that Fullback has for a Kubernetes API server: get an object, patch it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from monitor.clock import SystemClock
from monitor.errors import RoutingError

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

__all__ = ["ApiRefusalError", "KubernetesApi"]

_MOST_BYTES = 4 * 1024 * 1024
"""Over twice what an API server keeps of one object (1.5 MiB)."""
_PIECE = 64 * 1024
_EXCERPT = 300
_SUCCESS = range(200, 300)
_NEXT = {
    401: "the credentials are not known there: check kubeconfig and context, or the service account's token",
    403: "give the service account get and patch on this object (rbac.httpRoutes of the chart)",
    404: "check namespace and name, and that the kind's CRD is installed",
}


class ApiRefusalError(RoutingError):
    """The API server answered, and did not do it.

    Args:
        detail: what was asked, what it answered, what to do.
        status: the HTTP status.
        reason: what the server said, cut short.
    """

    def __init__(self, detail: str, status: int, reason: str) -> None:
        super().__init__(detail)
        self.http_status = status
        self.reason = reason


class KubernetesApi:
    """A client of one API server. It connects at the first call and keeps connections.

    Args:
        kubeconfig: path of a kubeconfig file; None: the pod's service account.
        context: context of that file; None: its current one.
        timeout_s: longest wait for one whole answer.
    """

    def __init__(self, kubeconfig: str | None, context: str | None, timeout_s: float) -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._timeout_s = timeout_s
        self._clock = SystemClock()

    def get(self, path: str) -> dict[str, Any]:
        """Return the object at this path.

        Raises:
            ApiRefusalError: it was refused.
            RoutingError: there was no usable answer.
        """
        return self._call("GET", path, {})

    def patch(
        self, path: str, operations: Sequence[Mapping[str, Any]], *, manager: str, dry_run: bool
    ) -> dict[str, Any]:
        """Apply a JSON Patch and return the object after it. ``dry_run``: judged and thrown away by the server.

        Raises:
            ApiRefusalError: it was refused; with a status of 500 or more it may have been written.
            RoutingError: there was no usable answer: it may have been written.
        """
        query = {"fieldManager": manager, "fieldValidation": "Strict", **({"dryRun": "All"} if dry_run else {})}
        return self._call("PATCH", path, query, [dict(operation) for operation in operations])

    def _call(
        self, method: str, path: str, query: Mapping[str, str], body: list[dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        status, raw = self._exchange(method, path, query, body)
        document = _json(raw)
        if status not in _SUCCESS:
            reason = _reason(document)
            hint = _NEXT.get(status, "look into the API server's log, or at what it says about the object")
            raise ApiRefusalError(
                f"{method} {path} was answered with {status}{reason and f' ({reason})'}: {hint}", status, reason
            )
        if not isinstance(document, dict):
            raise RoutingError(
                f"{method} {path} was answered with no JSON object: check that kubeconfig names a Kubernetes API server"
            )
        return document

    def _exchange(
        self, method: str, path: str, query: Mapping[str, str], body: list[dict[str, Any]] | None
    ) -> tuple[int, bytes]:
        client = self._client()
        from kubernetes.client.exceptions import ApiException
        from urllib3.exceptions import HTTPError, ProtocolError

        try:
            try:
                return self._once(client, method, path, query, body)
            except ProtocolError:
                if method != "GET":
                    raise
                return self._once(client, method, path, query, body)  # the server had closed a connection kept open
        except (HTTPError, ApiException, OSError) as error:
            maybe = "" if method == "GET" else " It may have been written: the next try sees that."
            raise RoutingError(
                f"the API server cannot be reached for {method} {path} within {self._timeout_s:g} s "
                f"({type(error).__name__}): check that it runs and that this service may connect to it.{maybe}"
            ) from error

    def _once(
        self, client: "ApiClient", method: str, path: str, query: Mapping[str, str], body: list[dict[str, Any]] | None
    ) -> tuple[int, bytes]:
        headers = {"Accept": "application/json", "User-Agent": "fullback"}
        if body is not None:
            headers["Content-Type"] = "application/json-patch+json"
        try:
            client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        except Exception as error:  # renewing a token raises what it likes, and its words may quote one
            raise _without_credentials(self._kubeconfig, error) from error
        url = f"{client.configuration.host}{path}{'?' if query else ''}{urlencode(query)}"
        deadline = self._clock.now() + timedelta(seconds=self._timeout_s)
        answer = client.call_api(method, url, headers, body, _request_timeout=self._timeout_s).response
        try:
            return answer.status, self._read(answer, f"{method} {path}", deadline)
        finally:
            answer.close()

    def _read(self, answer: Any, what: str, deadline: datetime) -> bytes:
        """Return the body: bounded in bytes, and in time even where it comes in drops."""
        pieces: list[bytes] = []
        size = 0
        while piece := answer.read1(_PIECE, decode_content=False):
            size += len(piece)
            if size > _MOST_BYTES:
                raise RoutingError(
                    f"{what} was answered with more than {_MOST_BYTES} bytes, the limit of one object: "
                    "check that kubeconfig names a Kubernetes API server"
                )
            if self._clock.now() > deadline:
                raise RoutingError(
                    f"{what} was not answered in full within {self._timeout_s:g} s: raise timeout_s, "
                    "or look at the way to the API server"
                )
            pieces.append(piece)
        return b"".join(pieces)

    def _client(self) -> "ApiClient":
        try:
            changed = Path(self._kubeconfig).stat().st_mtime_ns if self._kubeconfig else 0
        except OSError as error:
            raise RoutingError(
                f"kubeconfig {self._kubeconfig} cannot be read ({error.strerror}): check the path and its permissions"
            ) from error
        return _connected(self._kubeconfig, self._context, changed)


@lru_cache(maxsize=64)
def _connected(kubeconfig: str | None, context: str | None, _changed: int) -> "ApiClient":
    """Return one client for all targets with these credentials: it keeps connections and renews tokens."""
    try:
        from kubernetes import config
        from kubernetes.client import ApiClient, Configuration
    except ImportError as error:
        raise RoutingError(
            "the Kubernetes client is not installed: pip install 'fullback[kubernetes]' and start again"
        ) from error
    settings = Configuration()
    try:
        if kubeconfig is None:
            config.load_incluster_config(client_configuration=settings)
        else:
            config.load_kube_config(kubeconfig, context, client_configuration=settings, persist_config=False)
    except Exception as error:  # its parts raise what they like, and their words may quote credentials
        raise _without_credentials(kubeconfig, error) from error
    settings.retries = False
    settings.client_side_validation = False
    return ApiClient(settings)


def _without_credentials(kubeconfig: str | None, error: Exception) -> RoutingError:
    where = "this is no pod with a service account's token" if kubeconfig is None else f"{kubeconfig} is not usable"
    return RoutingError(
        f"no credentials for the API server: {where} ({type(error).__name__}): set kubeconfig and context, "
        "or mount the service account's token"
    )


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _reason(document: Any) -> str:
    """Return what the server's Status object says, cut short and on one line."""
    if not isinstance(document, dict) or document.get("kind") != "Status":
        return ""
    text = " ".join(str(document.get("message") or document.get("reason") or "").split())
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}…"
