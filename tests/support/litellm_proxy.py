"""A running LiteLLM proxy of several replicas, with two model servers behind it that count what they get."""

import json
import os
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from typing_extensions import override

from monitor.models.route import TargetRef
from tests.support.envoy import wait_until

GROUP = "chat"
COPIES = {"base": "chat-base", "cand": "chat-cand"}
ADMIN_KEY = "sk-admin-key-of-the-tests"
USER_KEY = "sk-ordinary-key-of-the-tests"
KEY_ENV = "FULLBACK_TARGET_LITELLM_ADMIN"
USER_ENV = "FULLBACK_TARGET_LITELLM_ORDINARY"
PYTHON_ENV = "FULLBACK_TEST_LITELLM_PYTHON"
_ROOT = Path(__file__).parents[2]
_STAND = Path(__file__).with_name("litellm_stand.py")


def litellm_python() -> str:
    """Return an interpreter that has LiteLLM, or skip with the reason.

    It has an environment of its own: LiteLLM brings some 60 packages that Fullback does not need.
    """
    named = os.environ.get(PYTHON_ENV)
    found = Path(named) if named else _ROOT / ".venv-litellm" / "bin" / "python"
    if not found.exists():
        pytest.skip(f"LiteLLM is not installed: no {found} (make .venv-litellm/stamp, or set {PYTHON_ENV})")
    return str(found)


class ModelServer:
    """An OpenAI-like server; the first part of a path says which deployment was asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet: no delayed acknowledgement

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                name = self.path.split("/")[1]
                with server._lock:
                    server.asked[name] += 1
                message = {"role": "assistant", "content": name}
                body = json.dumps(
                    {
                        "id": "chatcmpl-1",
                        "object": "chat.completion",
                        "created": 1,
                        "model": name,
                        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                    }
                ).encode()
                self.send_response(500 if name in server.failing else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        self.failing: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def reset(self) -> None:
        with self._lock:
            self.asked.clear()
        self.failing.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class LiteLLM:
    """The proxy's replicas. Deployments are put into its store as its own ``/model/new`` puts them."""

    def __init__(self, directory: Path, replicas: int, models: ModelServer) -> None:
        self.models = models
        self.directory = directory
        fixed = self.deployment("fixed", group="fixed-chat", weight=1)
        (directory / "config.yaml").write_text(json.dumps({"model_list": [fixed]}), encoding="utf-8")
        (directory / "store.json").write_text(json.dumps({"models": {}, "config": {}}), encoding="utf-8")
        self._log = (directory / "litellm.log").open("w", encoding="utf-8")
        # bytecode is kept, whatever the tests' own process does: LiteLLM takes a quarter of a minute to compile
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._process = subprocess.Popen(
            [litellm_python(), str(_STAND), str(directory), str(replicas)],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
        addresses = directory / "addresses.json"
        try:
            wait_until(lambda: self._alive() and addresses.exists(), "LiteLLM to start", 200)
            self.replicas: list[str] = json.loads(addresses.read_text(encoding="utf-8"))
            self.admin = httpx.Client(
                trust_env=False, timeout=30, headers={"Authorization": f"Bearer {ADMIN_KEY}"}, base_url=self.replicas[0]
            )
            wait_until(self._all_followed, "LiteLLM to be ready", 60)
        except BaseException:
            self.stop()
            raise

    def deployment(self, name: str, *, group: str = GROUP, weight: int | None = None, **params: Any) -> dict[str, Any]:
        backend = name if group == GROUP else f"{name}-copy"
        return {
            "model_name": group,
            "litellm_params": {
                "model": "openai/any",
                "api_key": "sk-upstream-of-the-tests",
                "api_base": f"{self.models.url}/{backend}",
                **({} if weight is None else {"weight": weight}),
                **params,
            },
            "model_info": {"id": name if group == GROUP else f"{group}-1"},
        }

    def ref(self, **settings: Any) -> TargetRef:
        return TargetRef(
            "litellm",
            {
                "url": self.replicas[0],
                "replicas": self.replicas,
                "model_group": GROUP,
                "key_env": KEY_ENV,
                "mirror_groups": COPIES,
                **settings,
            },
        )

    def reset(self, *deployments: dict[str, Any], **router_settings: Any) -> None:
        """Start anew: these deployments (else a candidate that serves, copied to the baseline), nothing held."""
        for left in (*self.directory.glob("hold-*"), *self.directory.glob("fail-*")):
            left.unlink()
        self._replace({"models": {}, "config": {"router_settings": {**_PLAIN, **router_settings}}})
        for one in deployments or (
            self.deployment("base", weight=0),
            self.deployment("cand", weight=100, silent_model=COPIES["base"]),
        ):
            self.add(one)
        for name, group in COPIES.items():
            self.add(self.deployment(name, group=group))
        self.followed()
        self.models.reset()

    def add(self, deployment: dict[str, Any]) -> None:
        self.admin.post("/model/new", json=deployment).raise_for_status()

    def patch(self, id_: str, change: dict[str, Any]) -> None:
        """Write as another administrator would."""
        self.admin.patch(f"/model/{id_}/update", json=change).raise_for_status()
        self.followed()

    def row(self, id_: str) -> dict[str, Any]:
        return json.loads((self.directory / "store.json").read_text(encoding="utf-8"))["models"][id_]

    def hold(self, replica: int) -> None:
        """Keep a replica from reloading."""
        (self.directory / f"hold-{replica}").touch()

    def release(self, replica: int) -> None:
        (self.directory / f"hold-{replica}").unlink()

    def fail(self, id_: str) -> None:
        """Let the store refuse writes of this row."""
        (self.directory / f"fail-{id_}").touch()

    def mend(self, id_: str) -> None:
        (self.directory / f"fail-{id_}").unlink()

    def followed(self) -> None:
        wait_until(self._all_followed, "every replica to reload")

    def send(self, count: int, replica: int = 0) -> Counter[str]:
        """Send requests as a client and return which model server answered how many."""
        answered: Counter[str] = Counter()
        body = {"model": GROUP, "messages": [{"role": "user", "content": "hello"}]}
        for _ in range(count):
            response = self.admin.post(self.replicas[replica] + "/v1/chat/completions", json=body)
            response.raise_for_status()
            answered[response.json()["choices"][0]["message"]["content"]] += 1
        return answered

    def picks(self, count: int, replica: int = 0) -> Counter[str]:
        """Return whom the router of a replica picks for so many requests, without sending them."""
        params: dict[str, str | int] = {"model": GROUP, "count": count}
        response = self.admin.get(self.replicas[replica] + "/picks", params=params)
        response.raise_for_status()
        return Counter(response.json())

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()
        if hasattr(self, "admin"):
            self.admin.close()

    def _alive(self) -> bool:
        assert self._process.poll() is None, (self.directory / "litellm.log").read_text(encoding="utf-8")[-2000:]
        return True

    def _replace(self, document: dict[str, Any]) -> None:
        fresh = self.directory / "store.fresh"
        fresh.write_text(json.dumps(document), encoding="utf-8")
        fresh.replace(self.directory / "store.json")

    def _all_followed(self) -> bool:
        changed = str((self.directory / "store.json").stat().st_mtime_ns)
        for index in range(len(self.replicas)):
            if (self.directory / f"hold-{index}").exists():
                continue
            seen = self.directory / f"seen-{index}"
            if not seen.exists() or seen.read_text(encoding="utf-8") != changed:
                return False
        return True


_PLAIN: dict[str, Any] = {"routing_strategy": "simple-shuffle", "fallbacks": [], "model_group_alias": {}}


@contextmanager
def running_litellm(directory: Path, replicas: int = 2) -> Iterator[LiteLLM]:
    litellm_python()
    models = ModelServer()
    before = {name: os.environ.get(name) for name in (KEY_ENV, USER_ENV)}
    os.environ.update({KEY_ENV: ADMIN_KEY, USER_ENV: USER_KEY})
    try:
        litellm = LiteLLM(directory, replicas, models)
        try:
            yield litellm
        finally:
            litellm.stop()
    finally:
        models.close()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
