"""LiteLLM's real proxy as the router of the flip matrix: several replicas, whose own routers pick who answers."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from typing_extensions import override

from monitor.models.route import DesiredRoute, Mirror, RouteSnapshot, TargetRef, Writer
from monitor.routing.registry import build
from tests.support.envoy import wait_until
from tests.support.flip_adapters import START, Adapter, Traces
from tests.support.litellm_proxy import COPIES, LiteLLM

__all__ = ["LiteLLMAdapter"]

_RELOAD_S: Final = 1
"""The stand's replicas reload a few times a second."""


class LiteLLMAdapter(Adapter):
    """One model group; requests are spread evenly over the replicas."""

    def __init__(self, litellm: LiteLLM) -> None:
        self.name = "litellm"
        self._litellm = litellm
        self._ref = litellm.ref(reload_s=_RELOAD_S)
        self._target = build(self._ref)
        self.capabilities = self._target.capabilities
        self.traces = Traces(keeps_epoch=True)

    @override
    def ref(self) -> TargetRef:
        deployments = [
            self._litellm.deployment(name, weight=weight, silent_model=COPIES["base"]) for name, weight in START.items()
        ]
        self._litellm.reset(*deployments)
        return self._ref

    @override
    def apply(self, desired: DesiredRoute) -> None:
        self._target.apply(desired)
        self._litellm.followed()
        wait_until(lambda: self._target.read().shows(desired), "every replica to follow")

    @override
    def read(self) -> RouteSnapshot:
        return self._target.read()

    @override
    def write_as(self, writer: Writer, weights: Mapping[str, int], mirror: Mirror) -> None:
        """Both change deployments by the admin API with a key of the same role, so nothing tells them apart.

        Our stamps stay. A person opens what is blocked; a repository's manager knows nothing of that field.
        """
        assert mirror is None or isinstance(mirror, str)
        for name, weight in weights.items():
            silent: Any = [] if mirror is None else COPIES[mirror]
            change: dict[str, Any] = {"litellm_params": {"weight": weight, "silent_model": silent}}
            if writer is Writer.OTHER:
                change["blocked"] = False
            self._litellm.patch(name, change)

    @override
    def serve(self, requests: int) -> dict[str, int]:
        """One request goes the whole way to a model server; for the others each replica's own router only picks."""
        count = len(self._litellm.replicas)
        answered: Counter[str] = Counter(dict.fromkeys(START, 0))
        answered.update(self._litellm.send(1, requests % count))
        for replica in range(count):
            answered.update(self._litellm.picks((requests - 1 + replica) // count, replica))
        return dict(answered)
