"""LiteLLM's own proxy on loopback, several replicas over one store. Run by an interpreter that has LiteLLM.

``python litellm_stand.py DIRECTORY REPLICAS``. The application, its routes, request models, role checks, merge rules,
encryption at rest, reload and router are LiteLLM's. Only the table storage is stood in for: LiteLLM reaches PostgreSQL
through an engine that it downloads. Here the rows are in ``DIRECTORY/store.json``.

Every replica is a process of its own and reloads a few times a second when the store changed, as LiteLLM's do every
``proxy_config_reload_interval_seconds``; while ``DIRECTORY/hold-INDEX`` exists the replica does not, and while
``DIRECTORY/fail-MODEL_ID`` exists a write of that row fails. ``GET /picks`` asks a replica's router for many picks at
once, as it makes one for each request; nobody is called.
"""

import asyncio
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.update(
    LITELLM_LOCAL_MODEL_COST_MAP="True",
    LITELLM_SALT_KEY="sk-salt-of-the-tests",
    STORE_MODEL_IN_DB="True",
    LITELLM_LOG=os.environ.get("LITELLM_LOG", "CRITICAL"),
)

import uvicorn
from litellm import Router
from litellm.caching.caching import DualCache
from litellm.proxy import proxy_server
from litellm.proxy._types import LiteLLM_VerificationTokenView, hash_token
from litellm.proxy.utils import ProxyLogging
from pydantic import BaseModel, ConfigDict

ADMIN_KEY = "sk-admin-key-of-the-tests"
USER_KEY = "sk-ordinary-key-of-the-tests"
_POLL_S = 0.05
_DEFAULT_ROUTER = {"routing_strategy": "simple-shuffle", "fallbacks": [], "num_retries": 0}


class Row(BaseModel):
    """A row as the generated client hands it out."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())


class ModelRow(Row):
    model_id: str
    model_name: str
    litellm_params: dict[str, Any]
    model_info: dict[str, Any]
    blocked: bool = False
    created_by: str = ""
    updated_by: str = ""
    updated_at: Any = None
    created_at: Any = None


class Store:
    """The rows, in one file that all replicas share."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "store.json"

    def changed(self) -> int:
        return self.path.stat().st_mtime_ns

    def read(self) -> dict[str, Any]:
        return json.loads(self.path.read_text(encoding="utf-8"))

    def write(self, change: Callable[[dict[str, Any]], Any]) -> Any:
        with (self.directory / "store.lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            document = self.read()
            result = change(document)
            fresh = self.path.with_suffix(f".{os.getpid()}")
            fresh.write_text(json.dumps(document, default=str), encoding="utf-8")
            fresh.replace(self.path)
            return result


class ModelTable:
    """``LiteLLM_ProxyModelTable``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find_unique(self, *, where: dict[str, Any], **_: Any) -> ModelRow | None:
        row = self._store.read()["models"].get(where["model_id"])
        return None if row is None else ModelRow(**row)

    async def find_many(self, **_: Any) -> list[ModelRow]:
        return [ModelRow(**row) for row in self._store.read()["models"].values()]

    async def create(self, *, data: dict[str, Any], **_: Any) -> ModelRow:
        return ModelRow(**self._store.write(lambda rows: rows["models"].setdefault(data["model_id"], _columns(data))))

    async def update(self, *, where: dict[str, Any], data: dict[str, Any], **_: Any) -> ModelRow | None:
        if (self._store.directory / f"fail-{where['model_id']}").exists():
            raise ConnectionError("the connection was lost")

        def change(rows: dict[str, Any]) -> dict[str, Any]:
            rows["models"][where["model_id"]].update(_columns(data))
            return deepcopy(rows["models"][where["model_id"]])

        return ModelRow(**self._store.write(change))

    async def delete(self, *, where: dict[str, Any], **_: Any) -> ModelRow | None:
        row = self._store.write(lambda rows: rows["models"].pop(where["model_id"], None))
        return None if row is None else ModelRow(**row)


class ConfigTable:
    """``LiteLLM_Config``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rows(self) -> list[Row]:
        return [Row(param_name=name, param_value=value) for name, value in self._store.read()["config"].items()]

    async def find_many(self, **_: Any) -> list[Row]:
        return self.rows()

    async def find_first(self, *, where: dict[str, Any], **_: Any) -> Row | None:
        return next((row for row in self.rows() if row.param_name == where.get("param_name")), None)

    find_unique = find_first


class EmptyTable:
    """Every table that the routes look into and that holds nothing here: teams, users, budgets, guardrails."""

    async def find_many(self, **_: Any) -> list[Any]:
        return []

    async def find_first(self, **_: Any) -> None:
        return None

    find_unique = find_first

    async def count(self, **_: Any) -> int:
        return 0


class Database:
    """What the generated client's ``db`` offers, as far as the routes need it."""

    def __init__(self, store: Store) -> None:
        self.litellm_proxymodeltable = ModelTable(store)
        self.litellm_config = ConfigTable(store)

    def __getattr__(self, name: str) -> EmptyTable:
        if name.startswith("litellm_"):
            return EmptyTable()
        raise AttributeError(name)

    async def query_raw(self, *_: Any) -> list[Any]:
        return []


class Client(SimpleNamespace):
    """The part of LiteLLM's ``PrismaClient`` that is not the database."""

    async def get_generic_data(self, *, key: str, value: str, table_name: str) -> Row | None:
        return await self.db.litellm_config.find_first(where={key: value}) if table_name == "config" else None

    async def get_data(self, *, token: str | None = None, **_: Any) -> LiteLLM_VerificationTokenView | None:
        """Return the one virtual key that there is: an ordinary user's."""
        if token != hash_token(USER_KEY):
            return None
        return LiteLLM_VerificationTokenView(token=token, user_id="ordinary", user_role="internal_user")


def _columns(data: dict[str, Any]) -> dict[str, Any]:
    """Return a row as the database keeps it: JSON columns parsed."""
    return {
        name: json.loads(value) if name in {"litellm_params", "model_info"} and isinstance(value, str) else value
        for name, value in data.items()
    }


async def reload_now() -> None:
    await proxy_server.proxy_config.add_deployment(
        prisma_client=proxy_server.prisma_client, proxy_logging_obj=proxy_server.proxy_logging_obj
    )


async def follow(store: Store, index: int) -> None:
    """Reload whenever the store changed, unless the replica is held."""
    seen = 0
    while True:
        if not (store.directory / f"hold-{index}").exists() and store.changed() != seen:
            seen = store.changed()
            await reload_now()
            fresh = store.directory / f"seen-{index}.fresh"
            fresh.write_text(str(seen), encoding="utf-8")
            fresh.replace(store.directory / f"seen-{index}")
        await asyncio.sleep(_POLL_S)


async def picks(model: str, count: int) -> dict[str, int]:
    """Return how often this replica's router picks each deployment of a group."""
    router = proxy_server.llm_router
    asked = [{"role": "user", "content": "hello"}]
    found = [await router.async_get_available_deployment(model, {}, asked) for _ in range(count)]
    return Counter(one["model_info"]["id"] for one in found)


async def serve(listener: socket.socket, store: Store, index: int) -> None:
    logging = ProxyLogging(user_api_key_cache=DualCache())
    proxy_server.master_key = ADMIN_KEY
    proxy_server.general_settings = {"store_model_in_db": True, "master_key": ADMIN_KEY}
    proxy_server.store_model_in_db = True
    proxy_server.proxy_logging_obj = logging
    proxy_server.prisma_client = Client(db=Database(store), writer_db=Database(store), proxy_logging_obj=logging)
    config_file = store.directory / "config.yaml"  # JSON is YAML
    proxy_server.user_config_file_path = str(config_file)
    config_models = json.loads(config_file.read_text(encoding="utf-8"))["model_list"]
    proxy_server.llm_router = Router(model_list=config_models, **_DEFAULT_ROUTER)
    proxy_server.llm_model_list = config_models
    proxy_server.app.add_api_route("/picks", picks)
    config = uvicorn.Config(proxy_server.app, lifespan="off", log_level="critical", access_log=False)
    following = asyncio.create_task(follow(store, index))
    await uvicorn.Server(config).serve(sockets=[listener])
    following.cancel()


def main() -> None:
    directory, replicas = Path(sys.argv[1]), int(sys.argv[2])
    store = Store(directory)
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(replicas)]
    children = []
    for index, listener in enumerate(listeners):
        child = os.fork()
        if not child:
            asyncio.run(serve(listener, store, index))
            os._exit(0)
        children.append(child)
    addresses = [f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in listeners]
    (directory / "addresses.tmp").write_text(json.dumps(addresses), encoding="utf-8")
    (directory / "addresses.tmp").replace(directory / "addresses.json")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    parent = os.getppid()
    try:
        while os.getppid() == parent and os.waitpid(-1, os.WNOHANG) == (0, 0):
            time.sleep(_POLL_S)  # noqa: TID251 - this process has no clock of Fullback's
    finally:
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        os._exit(0)  # what LiteLLM does at exit takes seconds and is not needed


if __name__ == "__main__":
    main()
