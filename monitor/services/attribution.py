"""Which route, variant and leg an event belongs to, and by which rule."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.models.event import Attribution, Event, Leg, Recorder
from monitor.models.route import Route
from monitor.models.variant import Variant
from monitor.services.rule_set import NO_RULES, ReadyRule, RuleSet
from monitor.storage.tables import UNATTRIBUTED_ROUTE_ID

__all__ = ["Catalog", "attribute", "event_key"]


@dataclass(frozen=True, slots=True)
class Catalog:
    """Routes, variants and attribution rules as looked up at ingest."""

    routes: Mapping[str, Route]
    variants: Mapping[int, Sequence[Variant]]
    rules: RuleSet = NO_RULES

    def serving(self, backend: str) -> list[Route]:
        """Return the routes that have a variant behind a backend."""
        return [
            route
            for route in self.routes.values()
            if any(variant.backend == backend for variant in self.variants.get(route.id, ()))
        ]


def attribute(event: Event, catalog: Catalog, source: str = "") -> Attribution:
    """Attribute an event: by what it states, else by the first rule that covers it, else by the built-in rules.

    What nothing covers goes to the reserved route, counted and never tested. A rule for another route than the one
    an event states does not cover it.
    """
    covering = catalog.rules.covering(event, source)
    route, route_rule = _route(event, catalog, covering)
    if route is None:
        return Attribution(UNATTRIBUTED_ROUTE_ID, None, Leg.UNKNOWN, route_rule)
    rule = next((one for one in covering if one.route.id == route.id), None)
    variant, variant_rule = _variant(event, catalog.variants.get(route.id, ()), rule)
    leg, leg_rule = _leg(event, route, rule)
    return Attribution(
        route.id, None if variant is None else variant.id, leg, f"{route_rule},{variant_rule},{leg_rule}"
    )


def _route(event: Event, catalog: Catalog, covering: Sequence[ReadyRule]) -> tuple[Route | None, str]:
    if event.route is not None:
        stated = catalog.routes.get(event.route)
        if stated is not None or event.recorder is not Recorder.GATEWAY:
            return stated, "route:stated"  # a gateway's own route names need not be ours: its backend tells then
    if covering:
        return covering[0].route, f"route:rule:{covering[0].name}"
    if event.requested_model is not None and event.requested_model in catalog.routes:
        return catalog.routes[event.requested_model], "route:requested_model"
    serving = catalog.serving(event.backend) if event.backend else []
    if len(serving) == 1:
        return serving[0], "route:backend"
    return None, "route:none" if not serving else "route:ambiguous_backend"


def _variant(event: Event, variants: Sequence[Variant], chosen: ReadyRule | None) -> tuple[Variant | None, str]:
    if event.variant is None and chosen is not None and chosen.variant is not None:
        return chosen.variant, f"variant:rule:{chosen.name}"
    tests = (
        ("variant:stated", event.variant, "name"),
        ("variant:backend", event.backend or None, "backend"),
        ("variant:fingerprint", event.system_fingerprint, "digest"),
    )
    for rule, wanted, field in tests:
        if wanted is None:
            continue
        found = next((variant for variant in variants if getattr(variant, field) == wanted), None)
        if found is not None or rule == "variant:stated":
            return found, rule
    return None, "variant:none"


def _leg(event: Event, route: Route, rule: ReadyRule | None) -> tuple[Leg, str]:
    """Tell the leg by evidence that is independent of what we want the router to do.

    What the record itself carries (access log, leg, mirror marker) comes before a rule, which is configuration.
    """
    if event.recorder is Recorder.GATEWAY:
        return Leg.PRIMARY, "leg:access_log"
    if event.leg is not None:
        return event.leg, "leg:stated"
    if event.mirrored is not None:
        return (Leg.SHADOW if event.mirrored else Leg.PRIMARY), "leg:marker"
    if rule is not None and rule.leg is not None:
        return rule.leg, f"leg:rule:{rule.name}"
    if route.mirror_host_suffix and event.host:
        name = event.host.rsplit(":", 1)[0] if event.host.rsplit(":", 1)[-1].isdigit() else event.host
        return (Leg.SHADOW if name.endswith(route.mirror_host_suffix) else Leg.PRIMARY), "leg:host"
    return Leg.UNKNOWN, "leg:none"


def event_key(source: str, event: Event, leg: Leg) -> bytes:
    """Return the digest of an event's identity: (source, recorder, backend, leg, attempt, event_id).

    An absent event id is derived from (request_id, backend, leg, attempt, start). Two legs of one request may
    carry one response id: the leg keeps them apart.
    """
    own_id = event.event_id or f"{event.request_id}\x1f{event.started_at.timestamp():.6f}"
    identity = (source, event.recorder.value, event.backend, leg.value, str(event.attempt), own_id)
    return hashlib.blake2b("\x1e".join(identity).encode(), digest_size=16).digest()
