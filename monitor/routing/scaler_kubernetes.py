"""More replicas of the baseline where a Kubernetes controller keeps them."""

import re
from typing import Any

from typing_extensions import override

from monitor.errors import RoutingError
from monitor.routing.kubernetes import KubernetesApi
from monitor.routing.scaler import Scale, Scaler

__all__ = ["KubernetesScaler"]

_MANAGER = "fullback"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_RESOURCE = re.compile(r"(?:api/v1|apis/[a-z0-9.-]{1,253}/[a-z0-9]{1,63})/[a-z]{1,63}")
_MOST_REPLICAS = 10_000
_LONGEST_S = 60.0


class KubernetesScaler(Scaler):
    """Scales a Deployment, or anything else with a ``scale`` subresource and ``status.readyReplicas``.

    The write carries the ``resourceVersion`` that was read: if somebody else changed the object in between, it is
    refused, so that a number which was raised meanwhile is never lowered.

    Args:
        namespace: of the object.
        name: of the object.
        resource: group, version and plural; ``apis/apps/v1/deployments`` by default.
        kubeconfig: path of a kubeconfig file; None: the pod's service account.
        context: context of that file; None: its current one.
        timeout_s: longest wait for one answer.

    Raises:
        ValueError: a setting has the wrong type or value.
    """

    def __init__(
        self,
        namespace: str,
        name: str,
        resource: str = "apis/apps/v1/deployments",
        kubeconfig: str | None = None,
        context: str | None = None,
        timeout_s: float = 5,
    ) -> None:
        for setting, value in (("namespace", namespace), ("name", name)):
            if not isinstance(value, str) or not _NAME.fullmatch(value):
                raise ValueError(f"{setting} must be a Kubernetes name, got {value!r}")
        if not isinstance(resource, str) or not _RESOURCE.fullmatch(resource):
            raise ValueError(f"resource must be like apis/apps/v1/deployments, got {resource!r}")
        if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float) or not 0 < timeout_s <= _LONGEST_S:
            raise ValueError(f"timeout_s must be seconds over 0 and up to {_LONGEST_S:g}, got {timeout_s!r}")
        root, _, plural = resource.rpartition("/")
        self._path = f"/{root}/namespaces/{namespace}/{plural}/{name}"
        self._api = KubernetesApi(kubeconfig, context, float(timeout_s))
        self._version: str | None = None

    @override
    def get_scale(self) -> Scale:
        found = self._api.get(self._path)
        self._version = str(found.get("metadata", {}).get("resourceVersion", ""))
        # A controller leaves out what is 0; an absent number to ask for means 1.
        return Scale(
            self._number(found.get("spec"), "replicas", 1), self._number(found.get("status"), "readyReplicas", 0)
        )

    @override
    def set_scale(self, replicas: int) -> None:
        if self._version is None:
            self.get_scale()
        self._api.patch(
            f"{self._path}/scale",
            [
                {"op": "test", "path": "/metadata/resourceVersion", "value": self._version},
                {"op": "add", "path": "/spec/replicas", "value": replicas},
            ],
            manager=_MANAGER,
            dry_run=False,
        )

    def _number(self, part: Any, field: str, absent: int) -> int:
        value = part.get(field, absent) if isinstance(part, dict) else absent
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_REPLICAS:
            raise RoutingError(
                f"{self._path} has no usable {field}: it must be a number "
                f"from 0 to {_MOST_REPLICAS}; check resource and name"
            )
        return value
