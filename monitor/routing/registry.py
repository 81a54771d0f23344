"""Every kind of route target, and how a stored reference becomes one."""

import inspect
from collections.abc import Callable

from monitor.errors import ValidationError
from monitor.models.route import TargetRef
from monitor.routing.base import RouteTarget
from monitor.routing.envoy import EnvoyTarget
from monitor.routing.memory import MemoryTarget

__all__ = ["TARGETS", "build", "validate"]

TARGETS: dict[str, Callable[..., RouteTarget]] = {
    EnvoyTarget.kind: EnvoyTarget,
    MemoryTarget.kind: MemoryTarget,
}
"""Kind to factory. The factory's parameters are the settings of that kind; it connects to nothing."""


def build(ref: TargetRef) -> RouteTarget:
    """Return the target that the reference describes, without connecting.

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
        return factory(**ref.settings)
    except ValueError as error:
        raise ValidationError(f"settings of route target {ref.kind!r}: {error}") from error


def validate(ref: TargetRef) -> None:
    """Check a reference without connecting.

    Raises:
        ValidationError: as for ``build``.
    """
    build(ref)
