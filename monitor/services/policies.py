"""Policy documents: checked by JSON Schema, defaults filled in, kept by version."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from sqlalchemy.exc import IntegrityError

from detectors.registry import SIGNALS
from detectors.types import Design, Margin
from monitor.clock import Clock
from monitor.errors import ConflictError, NotFoundError, ValidationError
from monitor.models.policy import Policy, ReactionPolicy, SignalPolicy
from monitor.models.slice_expressions import Condition, ConditionError
from monitor.models.slice_expressions import parse as parse_condition
from monitor.models.slices import OTHER
from monitor.services.acting_policies import ACTING_SECTIONS, acting_parts
from monitor.services.schema_problems import problems_of
from monitor.storage.policies import PolicyStore, StoredPolicy
from monitor.storage.session import Database

__all__ = ["DEFAULT_POLICY", "PolicyService", "parse_policy", "policy_schema"]

DEFAULT_POLICY = "default"
_SLICES = ("all", "first_turn")
_SECTIONS = {"signals", "reactions", "slices"} | ACTING_SECTIONS


@cache
def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema of a policy document, with the registered signals named."""
    schema: dict[str, Any] = json.loads(files(__package__).joinpath("policy.schema.json").read_text("utf-8"))
    schema["properties"]["signals"]["propertyNames"] = {"enum": sorted(SIGNALS)}
    return schema


def parse_policy(name: str, version: int, document: Mapping[str, Any]) -> Policy:
    """Return the policy a document describes.

    Raises:
        ValidationError: the document breaks the schema; the message names the path and what is allowed there.
    """
    problems = problems_of(policy_schema(), document)
    if problems:
        raise ValidationError(f"policy {name!r}: {problems[0]['pointer']}: {problems[0]['detail']}", errors=problems)
    _check_designs(name, document.get("signals", {}))
    slices, conditions = _slices(name, document.get("slices", _SLICES))
    signals = {signal: _signal(signal, document.get("signals", {}).get(signal, {})) for signal in SIGNALS}
    policy = Policy(
        name=name,
        version=version,
        signals={signal: chosen for signal, chosen in signals.items() if chosen.weight > 0},
        slices=slices,
        conditions=conditions,
        states_slices="slices" in document,
        **acting_parts(name, document),
        reactions=ReactionPolicy(**document.get("reactions", {})),
        **{key: value for key, value in document.items() if key not in _SECTIONS},
    )
    if not policy.signals:
        raise ValidationError(
            f"policy {name!r}: /signals: every weight is 0; give at least one signal a weight above 0"
        )
    if policy.horizon_floor_s > policy.horizon_ceiling_s:
        raise ValidationError(
            f"policy {name!r}: /horizon_floor_s: {policy.horizon_floor_s:g} is above horizon_ceiling_s "
            f"({policy.horizon_ceiling_s:g})"
        )
    return policy


def _slices(policy: str, entries: Sequence[str | Mapping[str, str]]) -> tuple[tuple[str, ...], dict[str, Condition]]:
    """Return the names of the slices and the conditions of those that the document defines."""
    names: list[str] = []
    conditions: dict[str, Condition] = {}
    for place, entry in enumerate(entries):
        if isinstance(entry, str):
            _, colon, value = entry.partition(":")
            if colon and value == OTHER:
                raise _wrong(policy, f"/slices/{place}", f"{entry!r} comes with its family; name {entry[:-5]}* instead")
            names.append(entry)
            continue
        if entry["name"] in conditions:
            raise _wrong(policy, f"/slices/{place}/name", f"{entry['name']!r} is defined twice; choose another name")
        try:
            conditions[entry["name"]] = parse_condition(entry["when"])
        except ConditionError as error:
            raise _wrong(policy, f"/slices/{place}/when", str(error)) from None
        names.append(entry["name"])
    return tuple(names), conditions


def _wrong(policy: str, pointer: str, detail: str) -> ValidationError:
    problems = [{"pointer": pointer, "detail": detail}]
    return ValidationError(f"policy {policy!r}: {pointer}: {detail}", errors=problems)


def _check_designs(policy: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse a design that a signal's answers, or its margin, do not allow."""
    for signal, entry in entries.items():
        if entry.get("design") != Design.CONDITIONAL:
            continue
        pointer = f"/signals/{signal}/design"
        if SIGNALS[signal].paired:
            reactions = ", ".join(name for name, known in SIGNALS.items() if not known.paired)
            raise _wrong(
                policy, pointer, f"conditional compares arms, {signal!r} has pairs; only {reactions} have arms"
            )
        if entry.get("margin_absolute") != 0:
            detail = f"conditional takes a relative margin only, got margin_absolute {entry.get('margin_absolute')!r}"
            raise _wrong(policy, pointer, f"{detail}; state margin_absolute: 0 and a margin_relative")


def _signal(name: str, entry: Mapping[str, Any]) -> SignalPolicy:
    default = SIGNALS[name].default_margin
    return SignalPolicy(
        margin=Margin(
            absolute=entry.get("margin_absolute", default.absolute),
            relative=entry.get("margin_relative", default.relative),
        ),
        weight=float(entry.get("weight", SIGNALS[name].default_weight)),
        states_margin="margin_absolute" in entry or "margin_relative" in entry,
        design=Design(entry["design"]) if "design" in entry else None,
    )


class PolicyService:
    """Stores policy documents and gives out parsed ones."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._parsed: dict[tuple[str, int], Policy] = {}

    def add(self, name: str, document: Mapping[str, Any], actor: str) -> StoredPolicy:
        """Check a document and store it as the policy's next version.

        Raises:
            ValidationError: the document breaks the schema.
            ConflictError: someone else stored a version at the same time.
        """
        parse_policy(name, 0, document)
        try:
            with self._database.transaction() as session:
                return PolicyStore(session).add(name, document, actor, self._clock.now())
        except IntegrityError:
            raise ConflictError(
                f"policy {name!r}: someone else stored a version at the same time; look, try again"
            ) from None

    def all(self) -> list[StoredPolicy]:
        """Return every version of every policy."""
        with self._database.reading() as session:
            return PolicyStore(session).all()

    def get(self, name: str) -> Policy:
        """Return the newest version of a policy, parsed. ``default`` exists without being stored.

        Raises:
            NotFoundError: there is no such policy.
        """
        with self._database.reading() as session:
            stored = PolicyStore(session).newest(name)
        if stored is None:
            if name == DEFAULT_POLICY:
                return parse_policy(DEFAULT_POLICY, 0, {})
            raise NotFoundError(f"there is no policy {name!r}; store it first (fullback policies add {name} FILE)")
        key = (stored.name, stored.version)
        if key not in self._parsed:
            self._parsed[key] = parse_policy(stored.name, stored.version, stored.document)
        return self._parsed[key]
