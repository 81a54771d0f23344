"""One real flip per kind of target, measured: alarm → write acknowledged → read back → verified by traffic.

``python -m tests.e2e.flip_timelines`` runs the demo once per target, which takes minutes each; ``--target NAME`` (any
number of times) some, ``--json`` one JSON object a target. The route is kept by Envoy's file, by an HTTPRoute in a
Kubernetes API server with a gateway controller, by a LiteLLM proxy of two replicas, or by a router behind a webhook.
Traffic always goes through Envoy: beside the last two a follower writes its routes whenever they change.

Where the time from alarm to write goes: an alarm's time is when the evaluation of its tick begins, so the rest of that
evaluation with its transaction counts; the controller is woken when it has ended; then one round with four transactions
and the write.
"""

import argparse
import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import httpx

from monitor.clock import Clock
from monitor.demo.cluster import WEIGHTS, Cluster
from monitor.demo.envoy import write_routes
from monitor.demo.names import BASELINE, CANDIDATE, ROUTE
from monitor.demo.options import DemoOptions
from monitor.demo.processes import Children
from monitor.demo.routers import RouterKind, RouterOf, router_of
from monitor.demo.run import run_demo
from tests.support.demo_parts import httproute_parts, why_no_httproute

__all__ = ["LIMITS_S", "TARGETS", "row_of", "table"]

LIMITS_S: Mapping[str, float] = {"alarm_to_written": 1.0, "alarm_to_read_back": 2.0}
"""What is asked of a flip, seconds."""
HEADINGS = (
    "target",
    "decided",
    "written",
    "read back",
    "verified",
    "n",
    "n take",
    "rate",
    "write ≤ 1 s",
    "read back ≤ 2 s",
)
_LOOK_S = 0.05
State = tuple[Mapping[str, int], str | None]
"""Weights and mirror, by the variants' backends."""


class Follower:
    """Keeps Envoy's routes as a router's state is, on a thread of its own."""

    def __init__(self, route_file: Path, state: Callable[[], State]) -> None:
        self._route_file = route_file
        self._state = state
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._written: State | None = None

    def start(self) -> None:
        self._step()
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)

    def _follow(self) -> None:
        while not self._stop.wait(_LOOK_S):
            with suppress(httpx.TransportError):
                self._step()

    def _step(self) -> None:
        now = self._state()
        if now != self._written:
            write_routes(self._route_file, ROUTE, *now)
            self._written = now


class WebhookRouter:
    """A router behind a webhook that checks signatures by the standard's own package."""

    def __init__(self, cluster: Cluster, directory: Path, children: Children, stack: ExitStack, clock: Clock) -> None:
        from tests.support.webhook_router import SECRET, running_router

        del children, clock
        state = {"epoch": None, "weights": dict(WEIGHTS), "mirror": BASELINE}
        self._router = stack.enter_context(running_router(state))
        self._secret = directory.with_suffix(".secret")
        self._secret.touch(mode=0o600)
        self._secret.write_text(SECRET)
        self._follower = Follower(cluster.route_file, self._now)
        stack.callback(self._follower.close)

    def _now(self) -> State:
        with self._router.lock:
            return dict(self._router.state["weights"]), self._router.state["mirror"]

    def start(self) -> str:
        self._follower.start()
        return f"a router behind a webhook at {self._router.base}"

    def settled(self) -> None:
        pass

    def target(self) -> dict[str, Any]:
        url = f"{self._router.base}/route"
        settings = {"url": url, "read_url": url, "route": ROUTE, "secret_file": str(self._secret)}
        return {"kind": "webhook", "settings": {**settings, "fences": True, "dry_run": True, "propagation_s": 0.1}}


class LiteLLMRouter:
    """LiteLLM's own proxy, two replicas; the follower asks one of them what it routes by."""

    NAMES: Mapping[str, str] = {BASELINE: "base", CANDIDATE: "cand"}
    """The deployments' ids, by backend."""

    def __init__(self, cluster: Cluster, directory: Path, children: Children, stack: ExitStack, clock: Clock) -> None:
        from tests.support.litellm_proxy import COPIES, KEY_ENV, running_litellm

        del children, clock
        directory.mkdir()
        self._key_env = KEY_ENV
        self._copies = {group: BASELINE if name == "base" else CANDIDATE for name, group in COPIES.items()}
        self._proxy = stack.enter_context(running_litellm(directory))
        copied = COPIES["base"]
        self._proxy.reset(
            self._proxy.deployment("base", weight=WEIGHTS[BASELINE], silent_model=copied),
            self._proxy.deployment("cand", weight=WEIGHTS[CANDIDATE], silent_model=copied),
        )
        self._follower = Follower(cluster.route_file, self._now)
        stack.callback(self._follower.close)

    def _now(self) -> State:
        """Ask the last replica: it is the one that is behind, if one is."""
        entries = self._proxy.admin.get(f"{self._proxy.replicas[-1]}/model/info").json()["data"]
        found = {one["model_info"]["id"]: one["litellm_params"] for one in entries}
        weights = {backend: int(found.get(name, {}).get("weight") or 0) for backend, name in self.NAMES.items()}
        most = max(weights, key=lambda backend: weights[backend])
        return weights, self._copies.get(found[self.NAMES[most]].get("silent_model"))

    def start(self) -> str:
        self._follower.start()
        return "a LiteLLM proxy of two replicas"

    def settled(self) -> None:
        pass

    def target(self) -> dict[str, Any]:
        settings = {**self._proxy.ref().settings, "reload_s": 1}
        return {"kind": "litellm", "settings": settings, "backends": dict(self.NAMES)}


def why_no_webhook() -> str | None:
    return None if find_spec("standardwebhooks") else "no package standardwebhooks: pip install standardwebhooks"


def why_no_litellm() -> str | None:
    if find_spec("tests.support.litellm_proxy") is None:
        return "there is no stand of LiteLLM in tests/support"
    import pytest

    from tests.support.litellm_proxy import litellm_python

    try:
        litellm_python()
    except pytest.skip.Exception as skipped:
        return str(skipped.msg)
    return None


TARGETS: Mapping[str, tuple[Callable[[], str | None], RouterOf]] = {
    "envoy": (lambda: None, router_of(RouterKind.ENVOY)),
    "httproute": (why_no_httproute, router_of(RouterKind.HTTPROUTE)),
    "webhook": (why_no_webhook, WebhookRouter),
    "litellm": (why_no_litellm, LiteLLMRouter),
}
"""Why a target's parts are not here, and what makes its router."""


def measure(target: str, fault: str, seed: int) -> dict[str, Any]:
    """Run the demo with this router and return its result."""
    out = StringIO()
    run_demo(DemoOptions(headless=True, json=True, fault=fault, seed=seed), out, TARGETS[target][1])
    result: dict[str, Any] = json.loads(out.getvalue().strip().splitlines()[-1])
    return {"target": target, **{name: result.get(name) for name in ("verified_by_traffic", "flip", "error")}}


def row_of(result: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the cells of a target's row: seconds from the alarm, but verified from the read-back."""
    flip = result.get("flip")
    if flip is None:
        return (result["target"], result.get("error") or "no alarm", *["–"] * (len(HEADINGS) - 2))
    names = ("alarm_to_decided", "alarm_to_written", "alarm_to_read_back", "read_back_to_verified")
    kept = ("yes" if flip[name] is not None and flip[name] <= limit else "NO" for name, limit in LIMITS_S.items())
    times = (_seconds(flip[name]) for name in names)
    return (
        result["target"],
        *times,
        str(flip["requests"]),
        _seconds(flip["requests_take"]),
        f"{flip['requests_per_s']:.1f}/s",
        *kept,
    )


def table(results: list[Mapping[str, Any]]) -> list[str]:
    """Return the lines of a Markdown table."""
    lines = [f"| {' | '.join(HEADINGS)} |", f"|{'---|' * len(HEADINGS)}"]
    return lines + [f"| {' | '.join(row_of(result))} |" for result in results]


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="any number of times; all when absent")
    parser.add_argument("--fault", default="schema")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one JSON object a target instead of the table")
    asked = parser.parse_args()
    results, good = [], True
    for target in asked.target or TARGETS:
        missing = TARGETS[target][0]()
        if missing is not None:
            print(f"{target}: not measured here: {missing}", file=sys.stderr, flush=True)
            continue
        if target == RouterKind.HTTPROUTE:
            os.environ.update(httproute_parts())
        results.append(measure(target, asked.fault, asked.seed))
        good &= bool(results[-1]["verified_by_traffic"])
        if asked.json:
            print(json.dumps(results[-1]), flush=True)
    if not asked.json:
        print("\n".join(table(results)))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
