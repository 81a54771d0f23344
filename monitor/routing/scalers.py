"""Every way to add replicas, and how a policy's settings become one."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from monitor.routing.scaler import HookScaler, Scaler
from monitor.routing.scaler_kubernetes import KubernetesScaler

__all__ = ["SCALERS", "build_scaler"]

SCALERS: Final[Mapping[str, Callable[..., Scaler]]] = {"kubernetes": KubernetesScaler, "webhook": HookScaler}


def build_scaler(settings: Mapping[str, Any], timeout_s: float) -> Scaler:
    """Return the scaler of these settings, without connecting; ``kind`` names it, a webhook where it is absent.

    Raises:
        ValueError: the kind is unknown, or a setting is unknown, missing or wrong.
    """
    kind = settings.get("kind", "webhook")
    factory = SCALERS.get(kind) if isinstance(kind, str) else None
    if factory is None:
        raise ValueError(f"kind must be one of {', '.join(SCALERS)}, got {kind!r}")
    try:
        return factory(**{name: value for name, value in settings.items() if name != "kind"}, timeout_s=timeout_s)
    except TypeError as error:
        raise ValueError(f"settings of the {kind} scaler: {str(error).partition('() ')[2]}") from None
