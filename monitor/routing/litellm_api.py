"""The requests that Fullback sends to a LiteLLM proxy, each bounded in time and in bytes."""

import json
import os
import ssl
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from monitor.clock import Clock
from monitor.errors import RoutingError
from monitor.routing.secret_names import ENV_PREFIX, is_secret_name

__all__ = ["AdminKey", "LiteLLMApi", "Replica", "shown_url"]

_MOST_BYTES = 16 << 20
"""A deployment takes 7 kB in an answer: room for two thousand."""
_MOST_KEY_BYTES = 4096
_EXCERPT = 200
_REFUSED_KEY = frozenset({401, 403})
_ABSENT = 404
_NOBODY = "fullback-rehearsal-of-a-model-that-is-not-there"


@cache
def _tls() -> ssl.SSLContext:
    """Return one TLS context for all clients: loading the trust store takes tens of milliseconds."""
    return ssl.create_default_context()


def shown_url(setting: str, url: object) -> str:
    """Return an address as messages may show it.

    Raises:
        ValueError: it is not http(s)://host[:port][/path] without credentials.
    """
    if not isinstance(url, str):
        raise ValueError(f"{setting} must be a text such as http://litellm:4000, got {type(url).__name__}")  # noqa: TRY004 - one error type for settings
    if "@" in url:
        raise ValueError(f"{setting} must not carry credentials; name the key's place in key_env or key_file")
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host or parsed.query or parsed.fragment:
        raise ValueError(f"{setting} must be http(s)://host[:port], got {url!r}")
    return url.rstrip("/")


class AdminKey:
    """Where the proxy's admin key is. It is read anew for every request, so a rotated key takes effect at once.

    Args:
        env: name of the environment variable that holds it.
        file: path of the file that holds it.

    Raises:
        ValueError: both or neither is given, or one cannot be such a name. The value is not shown: it may be the key.
    """

    def __init__(self, env: object, file: object) -> None:
        if (env is None) == (file is None):
            raise ValueError("give key_env (an environment variable's name) or key_file (a path), one of the two")
        if env is not None and not is_secret_name(env):
            raise ValueError(
                f"key_env must be the name of an environment variable that begins with {ENV_PREFIX}, not the key itself"
            )
        if file is not None and not (isinstance(file, str) and Path(file).is_absolute()):
            raise ValueError("key_file must be the absolute path of a file that holds the key, not the key itself")
        self._env, self._file = env, file

    def read(self) -> str:
        """Return the key.

        Raises:
            RoutingError: it is absent, too long, or no token.
        """
        where = f"environment variable {self._env}" if self._env is not None else f"file {self._file}"
        try:
            if self._env is not None:
                found = os.environ.get(str(self._env), "")
            else:
                with Path(str(self._file)).open("rb") as stream:
                    found = stream.read(_MOST_KEY_BYTES + 1).decode("ascii", "replace")
        except OSError as error:
            raise RoutingError(f"the LiteLLM key cannot be read from {where} ({type(error).__name__})") from None
        key = found.strip()
        if not key:
            raise RoutingError(f"the LiteLLM key is not there: {where} is empty or not set")
        if len(key) > _MOST_KEY_BYTES or not key.isascii() or not key.isprintable() or " " in key:
            raise RoutingError(
                f"{where} holds no LiteLLM key: one printable word of at most {_MOST_KEY_BYTES} characters"
            )
        return key


class Replica:
    """One address of the proxy.

    Args:
        url: ``http(s)://host:port``.
        host: the name to send and to check the certificate against, where ``url`` has an address instead.
    """

    def __init__(self, url: str, host: str | None = None) -> None:
        self.url = url
        self.headers = {} if host is None else {"Host": host}
        self.extensions: dict[str, Any] = {} if host is None else {"sni_hostname": host.rsplit(":", 1)[0]}


class LiteLLMApi:
    """A client of LiteLLM's management API. It connects anew for every request and keeps none open.

    Args:
        key: where the admin key is.
        timeout_s: longest wait for the connection and for each part of an answer; the whole takes at most twice that.
        clock: the time.
    """

    def __init__(self, key: AdminKey, timeout_s: float, clock: Clock) -> None:
        self._key, self._timeout_s, self._clock = key, timeout_s, clock
        self._client = httpx.Client(
            timeout=timeout_s, trust_env=False, verify=_tls(), limits=httpx.Limits(max_keepalive_connections=0)
        )

    def models(self, replica: Replica) -> list[Any]:
        """Return the deployments that this replica routes to, as its router holds them."""
        entries = self._document("GET", replica, "/model/info").get("data")
        if not isinstance(entries, list):
            raise RoutingError(f"LiteLLM {replica.url}/model/info answered without a list in 'data': check url")
        return entries

    def router_settings(self, replica: Replica) -> Mapping[str, Any] | None:
        """Return the router's settings as they are in force; None when this proxy or key does not tell them."""
        status, document = self._send("GET", replica, "/router/settings")
        if status in _REFUSED_KEY or status == _ABSENT:
            return None
        self._refuse(status, document, "GET", replica, "/router/settings")
        values = document.get("current_values") if isinstance(document, dict) else None
        if not isinstance(values, dict):
            raise RoutingError(f"LiteLLM {replica.url}/router/settings answered without 'current_values'")
        return values

    def patch(self, replica: Replica, model_id: str, change: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change one deployment; fields that are not named stay. Returns the row as it was stored."""
        return self._document("PATCH", replica, f"/model/{quote(model_id, safe='')}/update", change)

    def write_problem(self, replica: Replica) -> str | None:
        """Return why this key could not write, as the proxy's own route says it; None when it could.

        It asks to block a deployment that is not there. The route looks at the store setting and at the key's role
        before it looks for the deployment, so nothing is ever written.
        """
        status, document = self._send("POST", replica, "/model/block", {"model_id": _NOBODY})
        message = _message(document)
        if status in _REFUSED_KEY:
            return f"the LiteLLM key may not change models (answer {status}): it needs the role proxy_admin"
        if status == _ABSENT or _NOBODY in message:
            return None  # not found: everything before that was all right, or an older proxy without this route
        return f"LiteLLM {replica.url} would refuse the write: {status} {self._quoted(message)}"

    def _document(
        self, method: str, replica: Replica, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        status, document = self._send(method, replica, path, body)
        self._refuse(status, document, method, replica, path)
        if not isinstance(document, dict):
            raise RoutingError(f"LiteLLM {replica.url}{path} answered no JSON object: check that url points at a proxy")
        return document

    def _refuse(self, status: int, document: object, method: str, replica: Replica, path: str) -> None:
        if httpx.codes.is_success(status):
            return
        asked = f"{method} {replica.url}{path}"
        if status in _REFUSED_KEY:  # the proxy's own words hold parts of the key
            raise RoutingError(
                f"LiteLLM refused the key for {asked} ({status}): it must be an admin key (role proxy_admin); "
                "check key_env or key_file"
            )
        raise RoutingError(f"LiteLLM answered {status} to {asked}: {self._quoted(_message(document))}")

    def _send(
        self, method: str, replica: Replica, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, object]:
        headers = {"Authorization": f"Bearer {self._key.read()}", "litellm-changed-by": "fullback", **replica.headers}
        start = self._clock.now()
        content = bytearray()
        try:
            with self._client.stream(
                method, replica.url + path, json=body, headers=headers, extensions=replica.extensions
            ) as response:
                for part in response.iter_bytes():
                    content += part
                    if len(content) > _MOST_BYTES:
                        raise RoutingError(
                            f"LiteLLM {replica.url}{path} answered more than {_MOST_BYTES >> 20} MiB: "
                            "check that url points at a proxy"
                        )
                    if (self._clock.now() - start).total_seconds() > self._timeout_s:
                        raise RoutingError(
                            f"LiteLLM {replica.url}{path} did not finish its answer in {self._timeout_s:g} s"
                        )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RoutingError(
                f"LiteLLM {replica.url}{path} cannot be reached ({type(error).__name__}): "
                "check that the proxy runs and that the address is right"
            ) from None
        return response.status_code, _json(bytes(content))

    def _quoted(self, text: str) -> str:
        return repr(text.replace(self._key.read(), "***")[:_EXCERPT])


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _message(document: object) -> str:
    """Return LiteLLM's own words about a refusal, from any of its forms."""
    for name in ("error", "detail", "message"):
        if isinstance(document, Mapping) and name in document:
            document = document[name]
    return document if isinstance(document, str) else "no message"
