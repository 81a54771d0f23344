"""The kinds of routers in the flip matrix: each a context that yields its adapter, its parts running."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from tests.support.apiserver import running_cluster
from tests.support.envoy import running_envoy
from tests.support.flip_adapters import START, Adapter, MemoryAdapter
from tests.support.flip_envoy import EnvoyAdapter
from tests.support.flip_httproute import HttpRouteAdapter
from tests.support.flip_litellm import LiteLLMAdapter
from tests.support.flip_webhook import WebhookAdapter
from tests.support.litellm_proxy import running_litellm
from tests.support.webhook_router import running_router

__all__ = ["TARGETS"]

_HTTPROUTE: Final = "flip"


@contextmanager
def _folder(kind: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f"fullback-flip-{kind}-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _memory(name: str, *, fencing: bool, names_writer: bool) -> Iterator[Adapter]:
    yield MemoryAdapter(name, fencing=fencing, names_writer=names_writer)


@contextmanager
def _envoy() -> Iterator[Adapter]:
    with _folder("envoy") as folder, running_envoy(folder) as envoy:
        yield EnvoyAdapter(envoy)


@contextmanager
def _webhook(name: str, *, fences: bool) -> Iterator[Adapter]:
    state = {"epoch": None, "weights": dict(START), "mirror": "base"}
    with _folder("webhook") as folder, running_router(state, fences) as router:
        yield WebhookAdapter(name, router, folder / "secret")


@contextmanager
def _litellm() -> Iterator[Adapter]:
    with _folder("litellm") as folder, running_litellm(folder) as litellm:
        yield LiteLLMAdapter(litellm)


@contextmanager
def _httproute() -> Iterator[Adapter]:
    with _folder("httproute") as folder, running_cluster(folder) as cluster, cluster.gateway(_HTTPROUTE):
        yield HttpRouteAdapter(cluster, _HTTPROUTE)


TARGETS: Final[dict[str, Callable[[], AbstractContextManager[Adapter]]]] = {
    "memory": partial(_memory, "memory", fencing=True, names_writer=False),
    "memory-naming-writers": partial(_memory, "memory-naming-writers", fencing=True, names_writer=True),
    "memory-without-fencing": partial(_memory, "memory-without-fencing", fencing=False, names_writer=False),
    "envoy": _envoy,
    "webhook": partial(_webhook, "webhook", fences=True),
    "webhook-without-fencing": partial(_webhook, "webhook-without-fencing", fences=False),
    "litellm": _litellm,
    "httproute": _httproute,
}
"""A real part that this machine lacks skips with its reason (``pytest.skip.Exception``)."""
