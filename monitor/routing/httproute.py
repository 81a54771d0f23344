"""A Gateway API HTTPRoute: weights and mirror in one conditional write to a Kubernetes API server."""

import random
import re
from dataclasses import replace
from typing import Any, ClassVar

from typing_extensions import override

from monitor.clock import SystemClock
from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, RouteSnapshot
from monitor.routing.base import Capabilities, ReadBack, Rehearsal, RouteTarget
from monitor.routing.changes import changes_between
from monitor.routing.httproute_object import HttpRoute, parsed
from monitor.routing.httproute_owner import MANAGER
from monitor.routing.httproute_patch import planned
from monitor.routing.httproute_read import snapshot_of
from monitor.routing.kubernetes import ApiRefusalError, KubernetesApi

__all__ = ["HttpRouteTarget"]

_LONGEST_S = 60
_TRIES = 5
_WAIT_S = 0.02
"""Before the second try; it doubles, and each wait is drawn between half and the whole."""
_CONFLICTS = frozenset({409, 422})
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")


class HttpRouteTarget(RouteTarget):
    """The rules of one HTTPRoute that share backends.

    A write is one JSON Patch that tests the object's resourceVersion: it is taken as a whole or not at all, and
    never over somebody else's. The epoch is in the annotation ``fullback.dev/epoch``. Constructing connects to
    nothing.

    Args:
        namespace: of the HTTPRoute.
        name: of the HTTPRoute.
        kubeconfig: path of a kubeconfig file; absent: the pod's service account.
        context: a context of that file; absent: its current one.
        rules: names of the rules that are moved; absent: all that share backends with the rules that split traffic.
        controllers: ``controllerName`` of the gateways whose status counts; absent: everyone's.
        expect_status: false for gateways that write no status; then the object is all that can be read back.
        gitops_ignores: true says that Argo CD or Flux was told to leave weights and filters of this object alone.
        timeout_s: longest wait for one answer.

    Raises:
        ValueError: a setting has the wrong type or value.
    """

    kind: ClassVar[str] = "httproute"
    capabilities: Capabilities = Capabilities(
        weights=True,
        atomic_mirror=True,
        fencing=True,
        propagation_s=2.0,
        hard_cut=True,
        read_back=ReadBack.PER_REPLICA,
        dry_run=True,
        names_writer=True,
    )

    def __init__(
        self,
        namespace: str,
        name: str,
        kubeconfig: str | None = None,
        context: str | None = None,
        rules: list[str] | None = None,
        controllers: list[str] | None = None,
        expect_status: bool = True,
        gitops_ignores: bool = False,
        timeout_s: float = 5,
    ) -> None:
        _check_object(namespace=namespace, name=name)
        _check_texts(kubeconfig=kubeconfig, context=context)
        if context is not None and kubeconfig is None:
            raise ValueError("context names a part of kubeconfig: set kubeconfig, too")
        _check_lists(rules=rules, controllers=controllers)
        _check_flags(expect_status=expect_status, gitops_ignores=gitops_ignores)
        if isinstance(timeout_s, bool) or not isinstance(timeout_s, int | float) or not 0 < timeout_s <= _LONGEST_S:
            raise ValueError(f"timeout_s must be seconds over 0 and up to {_LONGEST_S}, got {timeout_s!r}")
        if not expect_status:
            self.capabilities = replace(type(self).capabilities, read_back=ReadBack.CLAIM)
        self._namespace = namespace
        self._where = f"HTTPRoute {namespace}/{name}"
        self._path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{namespace}/httproutes/{name}"
        self._rules = tuple(rules or ())
        self._controllers = frozenset(controllers or ())
        self._expect_status = expect_status
        self._gitops_ignores = gitops_ignores
        self._api = KubernetesApi(kubeconfig, context, timeout_s)
        self._clock = SystemClock()

    @override
    def read(self) -> RouteSnapshot:
        return self._snapshot(self._get())

    @override
    def apply(self, desired: DesiredRoute) -> None:
        self._write(desired, dry_run=False)

    @override
    def rehearse(self, desired: DesiredRoute) -> Rehearsal:
        try:
            found, notes = self._write(desired, dry_run=True)
        except RoutingError as error:
            return Rehearsal(problems=(error.detail,))
        return Rehearsal(changes=(*changes_between(self._snapshot(found), desired), *notes))

    def _write(self, desired: DesiredRoute, *, dry_run: bool) -> tuple[HttpRoute, tuple[str, ...]]:
        """Write, and return the object as it was before with what is not plain from the weights."""
        planned_on: Any = None
        for attempt in range(_TRIES):
            found = self._get()
            self._refuse_stale(desired, found)
            plan = planned(found, desired)
            if not plan.operations:
                return found, plan.notes
            refusal = self._refused(plan.operations, desired, dry_run=dry_run)
            if refusal is None:
                return found, plan.notes
            version = found.metadata.get("resourceVersion")
            if refusal.http_status not in _CONFLICTS or version == planned_on:
                raise refusal  # nobody wrote since the last try: it is the patch that is not wanted
            planned_on = version
            self._clock.wait(_WAIT_S * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 - no secret
        raise RoutingError(
            f"{self._where} was written by somebody else at each of {_TRIES} tries: find out who by its managedFields "
            "and stop them; nothing was written"
        )

    def _refused(
        self, operations: tuple[dict[str, Any], ...], desired: DesiredRoute, *, dry_run: bool
    ) -> ApiRefusalError | None:
        try:
            written = self._api.patch(self._path, operations, manager=MANAGER, dry_run=dry_run)
        except ApiRefusalError as refusal:
            return refusal
        after = self._snapshot(parsed(written, self._where, self._rules))
        if not after.says(desired):
            raise RoutingError(
                f"{self._where} was written, and the API server answered with other weights, mirror or epoch: "
                "look for an admission webhook that changes it"
            )
        return None

    def _get(self) -> HttpRoute:
        return parsed(self._api.get(self._path), self._where, self._rules)

    def _snapshot(self, route: HttpRoute) -> RouteSnapshot:
        return snapshot_of(
            route,
            namespace=self._namespace,
            controllers=self._controllers,
            expect_status=self._expect_status,
            gitops_ignores=self._gitops_ignores,
        )

    def _refuse_stale(self, desired: DesiredRoute, found: HttpRoute) -> None:
        if found.epoch is not None and found.epoch > desired.epoch:
            raise StaleEpochError(
                f"{self._where} holds epoch {found.epoch}, newer than {desired.epoch}: "
                "another writer was elected, stop writing"
            )


def _check_object(**names: Any) -> None:
    for setting, name in names.items():
        if not isinstance(name, str) or not _NAME.match(name):
            raise ValueError(f"{setting} must be the name of a Kubernetes object, got {name!r}")


def _check_texts(**texts: Any) -> None:
    for setting, text in texts.items():
        if text is not None and (not isinstance(text, str) or not text):
            raise ValueError(f"{setting} must be a text that is not empty, or absent, got {text!r}")


def _check_lists(**lists: Any) -> None:
    for setting, names in lists.items():
        if names is None:
            continue
        if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
            raise ValueError(f"{setting} must be a list of names, at least one, or absent, got {names!r}")


def _check_flags(**flags: Any) -> None:
    for setting, flag in flags.items():
        if not isinstance(flag, bool):
            raise ValueError(f"{setting} must be true or false, got {flag!r}")  # noqa: TRY004 - one error type for settings
