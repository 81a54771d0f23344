"""Attribution rules as data: the whole list is read, checked and replaced at once, and can be tried out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from monitor.clock import Clock
from monitor.errors import ForbiddenError, ValidationError
from monitor.intake.doors import DOORS
from monitor.intake.limits import Limits
from monitor.models.event import STATED_LEGS, Event, Leg
from monitor.models.key import ApiKey
from monitor.models.rule import Comparison, MatchField, Pattern, Rule
from monitor.services.answer_schema import with_answer_schema
from monitor.services.attribution import Catalog, attribute
from monitor.services.catalog import CatalogCache
from monitor.services.ingest import readings_of
from monitor.storage.routes import RouteStore
from monitor.storage.rules import RuleStore
from monitor.storage.session import Database

__all__ = ["MOST_RULES", "Explanation", "RuleService"]

MOST_RULES: Final = 500
_MOST_WILDCARDS = 8
_MOST_CHARACTERS = 256
_log = structlog.get_logger("fullback.rules")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which route, variant and leg an event would get, by which rule, and what its signals would read."""

    route: str | None
    variant: str | None
    leg: Leg
    rule: str
    readings: Mapping[str, float]


class RuleService:
    """Keeps the rules, and tells what they do to an event without storing it."""

    def __init__(self, database: Database, catalog: CatalogCache, clock: Clock, limits: Limits) -> None:
        self._database = database
        self._catalog = catalog
        self._clock = clock
        self._limits = limits

    def all(self) -> list[Rule]:
        """Return the rules in their order."""
        with self._database.reading() as session:
            return RuleStore(session).all()

    def replace(self, documents: Sequence[Mapping[str, Any]], actor: str) -> list[Rule]:
        """Check a list of rules and put it in place of the present one. A rule that stays as it was keeps its author.

        Raises:
            ValidationError: a rule breaks its rules; nothing was changed.
        """
        if len(documents) > MOST_RULES:
            raise ValidationError(f"there are {len(documents)} rules, the most is {MOST_RULES}: use globs")
        now = self._clock.now()
        with self._database.transaction() as session:
            store = RuleStore(session)
            store.lock()
            known = {rule.name: rule for rule in store.all()}
            variants = _variant_names(RouteStore(session))
            rules: dict[str, Rule] = {}
            for index, document in enumerate(documents):
                rule = _Checked(f"/rules/{index}", variants).rule(document)
                if rule.name in rules:
                    raise ValidationError(f"two rules are called {rule.name!r}: a name tells which rule attributed")
                before = known.get(rule.name)
                same = before is not None and before.says_the_same(rule)
                rules[rule.name] = before if before and same else replace(rule, actor=actor, created_at=now)
            store.replace(list(rules.values()))
        self._catalog.forget()
        gone = sorted(known.keys() - rules.keys())
        changed = sorted(name for name, rule in rules.items() if rule is not known.get(name))
        _log.warning("attribution rules replaced", actor=actor, rules=len(rules), changed=changed, removed=gone)
        return list(rules.values())

    def explain(self, document: Mapping[str, Any], key: ApiKey) -> Explanation:
        """Attribute one record and read its signals; nothing is stored.

        The record is a native event, or ``{"door": ..., "record": ..., "source": ...}``; ``source`` stands for the
        shipper's, else it is the asking key's.

        Raises:
            ValidationError: the door is unknown, or the record would be rejected.
            ForbiddenError: the record belongs to a route the key is not bound to.
        """
        door, record, source = _asked(document, key.source)
        event = self._read(door, record)
        catalog = self._catalog.get()
        found = attribute(event, catalog, source)
        route = next((one for one in catalog.routes.values() if one.id == found.route_id), None)
        if route is not None and not key.bound_to(route.name):
            raise ForbiddenError("the event belongs to a route that the key is not bound to")
        return Explanation(
            route=None if route is None else route.name,
            variant=_variant_name(catalog, found.route_id, found.variant_id),
            leg=found.leg,
            rule=found.rule,
            readings=readings_of(
                event.exchange if route is None else with_answer_schema(event.exchange, route.answer_schema)
            ),
        )

    def _read(self, door: str, record: Mapping[str, Any]) -> Event:
        parsed = DOORS[door].parse(json.dumps(record).encode(), 0, self._clock.now(), self._limits).result
        if isinstance(parsed, Event):
            return parsed
        raise ValidationError(
            f"the record would be rejected ({parsed.code}): {parsed.detail}", rejected=parsed.code, at=parsed.pointer
        )


def _asked(document: Mapping[str, Any], own_source: str) -> tuple[str, Mapping[str, Any], str]:
    """Tell a wrapped record from a plain native event."""
    if not isinstance(document.get("record"), dict) or not document.keys() <= {"door", "record", "source"}:
        return "native", document, own_source
    door, source = document.get("door", "native"), document.get("source", own_source)
    if door not in DOORS:
        raise ValidationError(f"/door: not a door; the doors are {', '.join(DOORS)}", allowed=list(DOORS))
    if not isinstance(source, str):
        raise ValidationError("/source: not a string; send the source of the shipper's key")
    return door, document["record"], source


def _variant_name(catalog: Catalog, route_id: int, variant_id: int | None) -> str | None:
    return next((one.name for one in catalog.variants.get(route_id, ()) if one.id == variant_id), None)


def _variant_names(store: RouteStore) -> dict[str, list[str]]:
    variants = store.variants()
    return {route.name: [v.name for v in variants if v.route_id == route.id] for route in store.all()}


class _Checked:
    """Checks one rule's document; every refusal names the place and what is allowed there."""

    def __init__(self, pointer: str, variants: Mapping[str, Sequence[str]]) -> None:
        self._pointer = pointer
        self._variants = variants

    def rule(self, document: Mapping[str, Any]) -> Rule:
        match, outcome = document["match"], document["outcome"]
        if not match:
            raise self._refusal("/match", "is empty: name at least one field", [field.value for field in MatchField])
        self._known("/match", match, [field.value for field in MatchField])
        self._known("/outcome", outcome, ["route", "variant", "leg"])
        route = self._one_of("/outcome/route", outcome.get("route"), list(self._variants))
        variant, leg = outcome.get("variant"), outcome.get("leg")
        if variant is not None:
            self._one_of("/outcome/variant", variant, self._variants[route])
        if leg is not None:
            self._one_of("/outcome/leg", leg, [one.value for one in STATED_LEGS])
        patterns = {MatchField(field): self._pattern(f"/match/{field}", match[field]) for field in match}
        return Rule(document["name"], patterns, route, variant, None if leg is None else Leg(leg))

    def _pattern(self, where: str, document: Any) -> Pattern:
        comparisons = [one.value for one in Comparison if one is not Comparison.EXACT]
        if isinstance(document, str):
            return Pattern(Comparison.EXACT, self._text(where, document))
        if not isinstance(document, dict) or len(document) != 1:
            raise self._refusal(where, 'is neither a string nor {"prefix": ...} or {"glob": ...}', comparisons)
        self._known(where, document, comparisons)
        ((comparison, text),) = document.items()
        pattern = Pattern(Comparison(comparison), self._text(f"{where}/{comparison}", text))
        if pattern.comparison is Comparison.GLOB and pattern.text.count("*") > _MOST_WILDCARDS:
            raise self._refusal(where, f"has more than {_MOST_WILDCARDS} wildcards: shorten it")
        return pattern

    def _text(self, where: str, value: Any) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= _MOST_CHARACTERS or not value.isprintable():
            raise self._refusal(where, f"is not a text of 1 to {_MOST_CHARACTERS} printable characters")
        return value

    def _known(self, where: str, document: Mapping[str, Any], allowed: list[str]) -> None:
        for name in document:
            self._one_of(where, name, allowed)

    def _one_of(self, where: str, value: Any, allowed: Sequence[str]) -> str:
        if not isinstance(value, str) or value not in allowed:
            shown = ascii(value[:_MOST_CHARACTERS]) if isinstance(value, str) else "nothing fit"
            raise self._refusal(where, f"has {shown}", allowed)
        return value

    def _refusal(self, where: str, problem: str, allowed: Sequence[str] | None = None) -> ValidationError:
        pointer = f"{self._pointer}{where}"
        if allowed is None:
            return ValidationError(f"{pointer} {problem}", pointer=pointer)
        known = ", ".join(allowed) or "none yet"
        return ValidationError(f"{pointer} {problem}; allowed: {known}", pointer=pointer, allowed=list(allowed))
