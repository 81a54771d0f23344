"""Every kind of route target, and how a stored reference becomes one."""

import inspect
from collections.abc import Callable, Sequence

from monitor.errors import ValidationError
from monitor.models.route import TargetRef
from monitor.routing.base import RouteTarget
from monitor.routing.envoy import EnvoyTarget
from monitor.routing.httproute import HttpRouteTarget
from monitor.routing.litellm import LiteLLMTarget
from monitor.routing.memory import MemoryTarget
from monitor.routing.renamed import RenamedTarget
from monitor.routing.webhook import WebhookTarget

__all__ = ["TARGETS", "build", "validate"]

TARGETS: dict[str, Callable[..., RouteTarget]] = {
    EnvoyTarget.kind: EnvoyTarget,
    HttpRouteTarget.kind: HttpRouteTarget,
    LiteLLMTarget.kind: LiteLLMTarget,
    MemoryTarget.kind: MemoryTarget,
    WebhookTarget.kind: WebhookTarget,
}
"""Kind to factory. The factory's parameters are the settings of that kind; it connects to nothing."""

_MOST = 32


def build(ref: TargetRef) -> RouteTarget:
    """Return the target that the reference describes, without connecting; it speaks of backends as variants do.

    Raises:
        ValidationError: the kind is unknown, or a setting is unknown, missing or wrong.
    """
    factory = TARGETS.get(ref.kind)
    if factory is None:
        raise ValidationError(f"unknown route target kind {ref.kind!r}; known: {', '.join(sorted(TARGETS))}")
    parameters = inspect.signature(factory).parameters
    required = {name for name, parameter in parameters.items() if parameter.default is parameter.empty}
    wrong = [
        *(f"unknown {name!r}" for name in sorted(map(str, ref.settings.keys() - parameters.keys()))),
        *(f"missing {name!r}" for name in sorted(required - ref.settings.keys())),
    ]
    if wrong:
        allowed = ", ".join(name if name in required else f"{name} (optional)" for name in parameters)
        raise ValidationError(f"settings of route target {ref.kind!r}: {', '.join(wrong)}; allowed: {allowed}")
    try:
        target = factory(**ref.settings)
        return RenamedTarget(target, ref.backends) if ref.backends else target
    except ValueError as error:
        raise ValidationError(f"settings of route target {ref.kind!r}: {error}") from error


def validate(refs: Sequence[TargetRef]) -> None:
    """Check a route's references without connecting.

    Raises:
        ValidationError: there is none, two have the same name, or one is wrong (as for ``build``).
    """
    if not 1 <= len(refs) <= _MOST:
        raise ValidationError(f"targets: a route has 1 to {_MOST}, got {len(refs)}")
    labels = [ref.label for ref in refs]
    doubled = sorted({label for label in labels if labels.count(label) > 1})
    if doubled:
        raise ValidationError(f"targets: the name {doubled[0]!r} is given twice; give each target a name of its own")
    for ref in refs:
        build(ref)
