"""The checks of a LiteLLM target's settings, and the addresses of its replicas."""

import socket
import threading
from collections.abc import Mapping, Sequence

import httpx

from monitor.errors import RoutingError
from monitor.routing.litellm_api import Replica, shown_url

__all__ = ["Replicas", "named_ids", "named_texts", "seconds", "text"]

_MOST = 64
_LONGEST_S = 60


def text(setting: str, value: object) -> str:
    """Return a text that is not empty.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str) or not value:
        raise ValueError(f"{setting} must be a text that is not empty, got {value!r}")
    return value


def seconds(setting: str, value: object, longest: float = _LONGEST_S) -> float:
    """Return a time over 0.

    Raises:
        ValueError: it is none, or over the limit.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= longest:
        raise ValueError(f"{setting} must be seconds over 0 and up to {longest:g}, got {value!r}")
    return float(value)


def named_texts(setting: str, value: object) -> dict[str, str]:
    """Return texts by text, each once.

    Raises:
        ValueError: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(
        isinstance(one, str) and one for pair in value.items() for one in pair
    ):
        raise ValueError(f"{setting} must map backends to names, got {value!r}")
    if len(set(value.values())) < len(value):
        raise ValueError(f"{setting} must name each group once, got {value!r}")
    return dict(value)


def named_ids(setting: str, value: object) -> dict[str, tuple[str, ...]]:
    """Return lists of ids by text, every id once.

    Raises:
        ValueError: it is something else.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(
        isinstance(name, str) and name and _is_texts(ids) and 1 <= len(ids) <= _MOST for name, ids in value.items()
    ):
        raise ValueError(f"{setting} must map backends to lists of 1 to {_MOST} model_info.id, got {value!r}")
    every = [id_ for ids in value.values() for id_ in ids]
    if len(set(every)) < len(every):
        raise ValueError(f"{setting} must name each model_info.id once, got {value!r}")
    return {name: tuple(ids) for name, ids in value.items()}


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) and one for one in value)


class Replicas:
    """The addresses to read back from.

    Args:
        urls: one for each replica.
        dns: ``http(s)://name:port``; every address of the name is a replica (a headless service).
        timeout_s: longest wait for the name.

    Raises:
        ValueError: an address cannot be used.
    """

    def __init__(self, urls: object, dns: object, timeout_s: float) -> None:
        if urls is not None and not (_is_texts(urls) and isinstance(urls, Sequence) and 1 <= len(urls) <= _MOST):
            raise ValueError(f"replicas must be a list of 1 to {_MOST} addresses, got {urls!r}")
        listed = urls if isinstance(urls, Sequence) else ()
        self._listed = tuple(Replica(shown_url("replicas", url)) for url in listed)
        self._dns = None if dns is None else httpx.URL(shown_url("replicas_dns", dns))
        self._timeout_s = timeout_s

    def __bool__(self) -> bool:
        return bool(self._listed) or self._dns is not None

    def found(self) -> tuple[Replica, ...]:
        """Return every replica.

        Raises:
            RoutingError: the name has no address, or nobody says in time.
        """
        return self._listed if self._dns is None else (*self._listed, *self._resolved(self._dns))

    def _resolved(self, url: httpx.URL) -> list[Replica]:
        port = url.port or (443 if url.scheme == "https" else 80)
        answers: list[str] = []

        def ask() -> None:
            try:
                answers.extend(str(one[4][0]) for one in socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM))
            except OSError:
                return

        asking = threading.Thread(target=ask, daemon=True)  # the resolver takes no timeout
        asking.start()
        asking.join(self._timeout_s)
        addresses = sorted(set(answers))
        if not addresses:
            raise RoutingError(f"replicas_dns: {url.host} has no address after {self._timeout_s:g} s: check the name")
        if len(addresses) > _MOST:
            raise RoutingError(f"replicas_dns: {url.host} has {len(addresses)} addresses, at most {_MOST} are asked")
        return [Replica(str(url.copy_with(host=one, port=port)).rstrip("/"), f"{url.host}:{port}") for one in addresses]
