"""A router behind a webhook receiver as the router of the flip matrix, over real HTTP.

Nothing serves behind it: requests are split as the router's own state says.
"""

from collections.abc import Mapping
from pathlib import Path

from typing_extensions import override

from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot, TargetRef, Writer
from monitor.routing.registry import build
from tests.support.flip_adapters import START, Adapter, Traces, shares
from tests.support.webhook_router import SECRET, WebhookRouter

__all__ = ["WebhookAdapter"]

_PROPAGATION_S = 0.1
"""What the receiver answers is in force."""


class WebhookAdapter(Adapter):
    """One route of a receiver, with or without a fence; it answers for its router at once."""

    def __init__(self, name: str, router: WebhookRouter, secret_file: Path) -> None:
        self.name = name
        self._router = router
        secret_file.write_text(SECRET, encoding="utf-8")
        url = f"{router.base}/route"
        settings = {"url": url, "read_url": url, "route": "chat", "secret_file": str(secret_file)}
        options = {"fences": router.fences, "dry_run": True, "propagation_s": _PROPAGATION_S}
        self._ref = TargetRef("webhook", {**settings, **options})
        self._target = build(self._ref)
        self.capabilities = self._target.capabilities
        self.traces = Traces(keeps_epoch=True)

    @override
    def ref(self) -> TargetRef:
        with self._router.lock:
            self._router.state = {"epoch": None, "weights": dict(START), "mirror": "base"}
            self._router.seen.clear()
        return self._ref

    @override
    def apply(self, desired: DesiredRoute) -> None:
        self._target.apply(desired)

    @override
    def read(self) -> RouteSnapshot:
        return self._target.read()

    @override
    def write_as(self, writer: Writer, weights: Mapping[str, int], mirror: Mirror) -> None:
        """Whoever it is changes the router behind the receiver; the epoch is the receiver's own and stays."""
        del writer
        with self._router.lock:
            self._router.state = {**self._router.state, "weights": dict(weights), "mirror": mirror}

    @override
    def serve(self, requests: int) -> dict[str, int]:
        with self._router.lock:
            weights = dict(self._router.state["weights"])
        return shares(weights, requests)
