"""Any router, behind a receiver that its owner writes: signed orders go out, the observed state comes back."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from typing_extensions import override

from monitor.clock import SystemClock
from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, RouteSnapshot
from monitor.routing.base import Capabilities, ReadBack, Rehearsal, RouteTarget
from monitor.routing.changes import changes_between, lacking, needed, without_absent
from monitor.routing.webhook_answers import MOST_WEIGHT, Observed, conflicting_epoch, observed
from monitor.routing.webhook_client import HookClient, flag, seconds

__all__ = ["WebhookTarget"]

_ORDER = "fullback.route.apply"
_CONFLICT, _ACCEPTED = 409, 202
_LONGEST_NAME = 253
_MOST_LISTED = 20
_LONGEST_PROPAGATION_S = 600.0


class WebhookTarget(RouteTarget):
    """One route of whatever stands behind a receiver, which keeps to the contract of ``docs/routers.md``.

    What the receiver says of itself is a claim: only traffic proves a flip. Without ``read_url`` nothing can be read,
    and the controller never acts on the route by itself.

    Args:
        url: takes ``POST``, the desired state.
        route: what the receiver calls the route.
        secret_env: environment variable with the signing secrets (``FULLBACK_TARGET_...``); this or ``secret_file``.
        secret_file: the file with them.
        read_url: answers ``GET`` with the observed state.
        read_token_env: environment variable with a bearer token for ``read_url``, besides the signature.
        ca_file: certificates that the receiver's is checked against; the machine's where absent.
        timeout_s: longest time of one exchange.
        propagation_s: after this long new requests follow a write.
        fences: the receiver refuses an epoch older than the one it holds, in the same step as it writes.
        hard_cut: it takes backends of weight 0 out when ``cut`` is true.
        dry_run: it judges an order with ``dry_run`` true without changing anything.
        mirror: the router can send copies.
        mirror_per_backend: who gets the copies may depend on who serves.

    Raises:
        ValueError: a setting has the wrong type or value.
    """

    kind: ClassVar[str] = "webhook"
    capabilities: Capabilities = Capabilities(
        weights=True,
        atomic_mirror=True,
        fencing=True,
        propagation_s=5.0,
        hard_cut=True,
        mirror_per_backend=True,
        read_back=ReadBack.CLAIM,
        dry_run=True,
    )

    def __init__(
        self,
        url: str,
        route: str,
        secret_env: str | None = None,
        secret_file: str | None = None,
        read_url: str | None = None,
        read_token_env: str | None = None,
        ca_file: str | None = None,
        timeout_s: float = 5,
        propagation_s: float = 5,
        fences: bool = False,
        hard_cut: bool = False,
        dry_run: bool = False,
        mirror: bool = True,
        mirror_per_backend: bool = False,
    ) -> None:
        if not isinstance(route, str) or not 0 < len(route) <= _LONGEST_NAME:
            raise ValueError(f"route must be a text of 1 to {_LONGEST_NAME} characters, got {route!r}")
        self._client = HookClient(
            url, read_url, secret_env, secret_file, read_token_env, timeout_s, ca_file, SystemClock()
        )
        self._route = route
        self.capabilities = Capabilities(
            weights=True,
            atomic_mirror=True,
            fencing=flag(fences, "fences"),
            propagation_s=seconds(propagation_s, "propagation_s", _LONGEST_PROPAGATION_S),
            hard_cut=flag(hard_cut, "hard_cut"),
            mirror=flag(mirror, "mirror"),
            mirror_per_backend=flag(mirror_per_backend, "mirror_per_backend"),
            read_back=ReadBack.CLAIM if self._client.reads else ReadBack.NONE,
            dry_run=flag(dry_run, "dry_run"),
        )

    @override
    def read(self) -> RouteSnapshot:
        return self._observe().snapshot

    @override
    def apply(self, desired: DesiredRoute) -> None:
        self._refuse_impossible(desired)
        found = self._observed_or_none()
        if found is not None:
            self._refuse_stale(desired, found.snapshot.epoch)
            self._refuse_unknown(desired, found)
        status, shown = self._order(_orderable(desired, found), dry_run=False)
        # 202 is "under way": what is in force by then is what read-back waits for.
        if status != _ACCEPTED and not shown.snapshot.says(desired):
            differences = "; ".join(changes_between(shown.snapshot, desired))
            raise RoutingError(
                f"the receiver {self._client.where} answered {status}, yet does not do what was asked ({differences}): "
                "look into its log; 202 is the answer of a receiver that needs more time"
            )

    @override
    def rehearse(self, desired: DesiredRoute) -> Rehearsal:
        try:
            self._refuse_impossible(desired)
            found = self._observe() if self._client.reads else None
            if found is None and not self.capabilities.dry_run:
                return Rehearsal(("the receiver has neither read_url nor dry_run: nothing can be rehearsed",))
            if found is not None:
                self._refuse_stale(desired, found.snapshot.epoch)
                self._refuse_unknown(desired, found)
            judged = self._dry_run(desired, found) if self.capabilities.dry_run else _changes(found, desired)
            notes = () if found is None else lacking(desired, found.known)
            return replace(judged, changes=(*judged.changes, *notes))
        except RoutingError as error:
            return Rehearsal((error.detail,))

    def _dry_run(self, desired: DesiredRoute, before: Observed | None) -> Rehearsal:
        shown = self._order(_orderable(desired, before), dry_run=True)[1]
        if before is not None and _was_written(desired, before.snapshot, self._observe().snapshot):
            problem = (
                f"the receiver {self._client.where} put the rehearsed routing in force: it must change nothing when "
                "dry_run is true. Check the route now, and set dry_run to false until the receiver is mended"
            )
            return Rehearsal((problem,))
        return Rehearsal(shown.problems, changes_between((before or shown).snapshot, desired))

    def _observe(self) -> Observed:
        answer = self._client.get()
        if not answer.ok:
            raise self._client.refusal(answer, "read_url")
        return observed(answer, f"the receiver {self._client.where} (read_url)")

    def _observed_or_none(self) -> Observed | None:
        """Return the state, None when it cannot be read.

        That must not hold back a rollback, and the receiver refuses what it does not know by itself.
        """
        try:
            return self._observe()
        except RoutingError:
            return None

    def _order(self, desired: DesiredRoute, *, dry_run: bool) -> tuple[int, Observed]:
        order = self._document(desired, dry_run=dry_run)
        answer = self._client.post(_ORDER, order, _identity(order))
        held = conflicting_epoch(answer) if answer.status == _CONFLICT else None
        self._refuse_stale(desired, held)
        if not answer.ok:
            raise self._client.refusal(answer, "url")
        shown = observed(answer, f"the receiver {self._client.where}")
        self._refuse_stale(desired, shown.snapshot.epoch)
        return answer.status, shown

    def _document(self, desired: DesiredRoute, *, dry_run: bool) -> dict[str, Any]:
        wanted = {**desired.to_json(), "cut": desired.cut and self.capabilities.hard_cut}
        return {"route": self._route, **wanted, "dry_run": dry_run}

    def _refuse_stale(self, desired: DesiredRoute, held: int | None) -> None:
        if held is not None and held > desired.epoch:
            raise StaleEpochError(
                f"route {self._route!r} at {self._client.where} holds epoch {held}, newer than {desired.epoch}: "
                "another writer was elected, stop writing"
            )

    def _refuse_unknown(self, desired: DesiredRoute, found: Observed) -> None:
        if self.capabilities.hard_cut and not found.lists_all:
            return  # what a hard cut took out may not be shown any more: the receiver judges
        unknown = needed(desired) - found.known
        if unknown:
            raise RoutingError(
                f"the receiver {self._client.where} has no backend {_listed(unknown)}; known: {_listed(found.known)}. "
                "Correct the variant's backend name; nothing was sent"
            )

    def _refuse_impossible(self, desired: DesiredRoute) -> None:
        """Refuse what the settings say that the router cannot do."""
        heavy = sorted(name for name, weight in desired.weights.items() if weight > MOST_WEIGHT)
        if heavy:
            raise RoutingError(
                f"weight of {heavy[0]} is {desired.weights[heavy[0]]}, over {MOST_WEIGHT}; nothing was sent"
            )
        if desired.mirror is not None and not self.capabilities.mirror:
            raise RoutingError("copies are wanted, and the setting mirror is false: the router cannot send any")
        if isinstance(desired.mirror, Mapping) and not self.capabilities.mirror_per_backend:
            raise RoutingError("a mirror per backend is wanted, and the setting mirror_per_backend is false")


def _listed(names: frozenset[str]) -> str:
    first = sorted(names)[:_MOST_LISTED]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more} more" if more else "")


def _orderable(desired: DesiredRoute, found: Observed | None) -> DesiredRoute:
    """Leave out what the receiver would refuse though it asks for nothing; all of that where it cannot be read."""
    return without_absent(desired, () if found is None else found.known)


def _changes(found: Observed | None, desired: DesiredRoute) -> Rehearsal:
    return Rehearsal(changes=() if found is None else changes_between(found.snapshot, desired))


def _was_written(desired: DesiredRoute, before: RouteSnapshot, after: RouteSnapshot) -> bool:
    """Tell whether what is desired, or a part of it, came into force between two readings."""
    same = (before.weights, before.mirror, before.epoch) == (after.weights, after.mirror, after.epoch)
    return not same and (after.epoch == desired.epoch or replace(after, epoch=desired.epoch).says(desired))


def _identity(order: Mapping[str, Any]) -> str:
    """Return the message's id: the same for the same route, epoch and state, so that a repeat is known for one."""
    text = json.dumps(order, sort_keys=True, separators=(",", ":"))
    return f"route_{hashlib.sha256(text.encode('ascii')).hexdigest()[:32]}"
