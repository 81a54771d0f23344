"""Routes and variants: creating and changing them by rule."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy.exc import IntegrityError

from monitor.clock import Clock
from monitor.errors import ConflictError, NotFoundError, ValidationError
from monitor.models.decision import Audit
from monitor.models.route import Goal, Mode, Phase, Route, RouteControl, TargetRef
from monitor.models.text import NO_TEXT, RedactionRule, TextMode, TextPolicy
from monitor.models.variant import Role, Variant
from monitor.routing.registry import validate
from monitor.services.answer_schema import check_answer_schema
from monitor.services.catalog import CatalogCache
from monitor.services.policies import DEFAULT_POLICY, PolicyService
from monitor.services.redaction import PatternError, check_pattern
from monitor.services.variants import check_reference
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.routes import RouteStore, VariantSpec
from monitor.storage.session import Database

__all__ = ["CLEARABLE", "RouteChange", "RouteService", "RouteSpec"]

CLEARABLE: Final = frozenset({"mirror_host_suffix", "waiver", "answer_schema"})
"""Fields of a route that may have no value."""
_LONG: Final = frozenset({"targets", "answer_schema"})
"""Fields that the audit only names."""


@dataclass(frozen=True, slots=True)
class RouteSpec:
    """What a caller says of a new route."""

    name: str
    targets: tuple[TargetRef, ...]
    variants: Sequence[VariantSpec] = ()
    policy: str = DEFAULT_POLICY
    mode: Mode = Mode.OBSERVE
    mirror_host_suffix: str | None = None
    mirror_percent: float = 100.0
    waiver: str | None = None
    text_storage: TextPolicy = NO_TEXT
    answer_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RouteChange:
    """What a caller wants changed; None leaves a field as it is, unless it is among the cleared."""

    mode: Mode | None = None
    policy: str | None = None
    targets: tuple[TargetRef, ...] | None = None
    mirror_host_suffix: str | None = None
    mirror_percent: float | None = None
    waiver: str | None = None
    text_storage: TextPolicy | None = None
    answer_schema: Mapping[str, Any] | None = None
    cleared: frozenset[str] = frozenset()
    """Of ``CLEARABLE``: fields to take the value from."""

    @property
    def fields(self) -> dict[str, Any]:
        """The new values by field."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "cleared"}
        return {name: value for name, value in given.items() if value is not None or name in self.cleared}


class RouteService:
    """Creates and changes routes; every change is audited."""

    def __init__(
        self, database: Database, policies: PolicyService, catalog: CatalogCache, clock: Clock, *, retention_days: int
    ) -> None:
        self._database = database
        self._retention_days = retention_days
        self._policies = policies
        self._catalog = catalog
        self._clock = clock

    def all(self) -> list[Route]:
        """Return every route."""
        with self._database.reading() as session:
            return RouteStore(session).all()

    def get(self, name: str) -> Route:
        """Return a route.

        Raises:
            NotFoundError: there is none of that name; the message lists the known ones.
        """
        with self._database.reading() as session:
            route = RouteStore(session).by_name(name)
            known = [] if route is not None else [one.name for one in RouteStore(session).all()]
        if route is None:
            raise NotFoundError(f"there is no route {name!r}; known: {', '.join(known) or 'none yet'}")
        return route

    def variants(self, route: Route) -> list[Variant]:
        """Return a route's variants, baseline first."""
        with self._database.reading() as session:
            return RouteStore(session).variants(route.id)

    def add(self, spec: RouteSpec, actor: str) -> Route:
        """Create a route with its variants.

        Raises:
            ValidationError: the target's settings are wrong, or a role is missing or doubled.
            ConflictError: the name or a variant is taken.
        """
        validate(spec.targets)
        self._policies.get(spec.policy)
        self._check_texts(spec.text_storage)
        check_answer_schema(spec.answer_schema)
        _check_roles(spec.variants)
        for variant in spec.variants:
            check_reference(spec.name, variant.name, variant.artifact, (one.name for one in spec.variants))
        now = self._clock.now()
        new = Route(
            id=0,
            name=spec.name,
            mode=spec.mode,
            policy=spec.policy,
            targets=spec.targets,
            mirror_host_suffix=spec.mirror_host_suffix,
            mirror_percent=spec.mirror_percent,
            waiver=spec.waiver,
            created_at=now,
            text_storage=spec.text_storage,
            answer_schema=spec.answer_schema,
        )
        try:
            with self._database.transaction() as session:
                store = RouteStore(session)
                route = store.add(new)
                for variant in spec.variants:
                    store.add_variant(route.id, variant, now)
                ControlStore(session).add(RouteControl(route.id, Phase.ARMED, now, Goal.BASELINE, actor, 0))
                DecisionStore(session).add(
                    Audit(route.id, now, actor, "create", Phase.ARMED, Phase.ARMED, f"route {spec.name} created", 0)
                )
        except IntegrityError:
            raise ConflictError(
                f"route {spec.name!r} exists already, or two of its variants share a name or backend"
            ) from None
        self._catalog.forget()
        return route

    def change(self, name: str, change: RouteChange, actor: str) -> Route:
        """Change a route's fields.

        Raises:
            ValidationError: a target's settings are wrong, or another field is.
            ConflictError: targets would be added or dropped while a flip stands.
        """
        known = self.get(name)
        if change.policy is not None:
            self._policies.get(change.policy)
        if change.targets is not None:
            validate(change.targets)
        if change.text_storage is not None:
            self._check_texts(change.text_storage)
        check_answer_schema(change.answer_schema)
        with self._database.transaction() as session:
            store = RouteStore(session)
            route = store.locked(known.id)  # what someone else changed meanwhile stays changed
            new = replace(route, **change.fields)
            control = ControlStore(session).get(route.id)
            _check_targets(route, new, control)
            store.save(new)
            told = ", ".join(name if name in _LONG else f"{name} = {value}" for name, value in change.fields.items())
            DecisionStore(session).add(
                Audit(
                    route.id,
                    self._clock.now(),
                    actor,
                    "change",
                    control.phase,
                    control.phase,
                    f"set {told}",
                    control.epoch,
                )
            )
        self._catalog.forget()
        return new

    def add_variant(self, name: str, spec: VariantSpec, actor: str) -> Variant:
        """Add a variant to a route."""
        route = self.get(name)
        check_reference(name, spec.name, spec.artifact, (one.name for one in self.variants(route)))
        try:
            with self._database.transaction() as session:
                variant = RouteStore(session).add_variant(route.id, spec, self._clock.now())
                control = ControlStore(session).get(route.id)
                DecisionStore(session).add(
                    Audit(
                        route.id,
                        self._clock.now(),
                        actor,
                        "variant",
                        control.phase,
                        control.phase,
                        f"{spec.role.value} {spec.name} added",
                        control.epoch,
                    )
                )
        except IntegrityError:
            raise ConflictError(
                f"{name}: a variant named {spec.name!r}, one behind {spec.backend!r} or a baseline exists already"
            ) from None
        self._catalog.forget()
        return variant

    def _check_texts(self, policy: TextPolicy) -> None:
        """Check what only a service can: that the patterns compile and the events outlive their texts."""
        for rule in policy.redact:
            if isinstance(rule, RedactionRule):
                try:
                    check_pattern(rule)
                except PatternError as error:
                    raise ValidationError(f"text_storage: {error}") from None
        if policy.mode is not TextMode.NONE and policy.retention_days > self._retention_days:
            raise ValidationError(
                f"text_storage: retention_days is {policy.retention_days}, the events themselves are kept "
                f"{self._retention_days} days; lower it"
            )


def _check_targets(old: Route, new: Route, control: RouteControl) -> None:
    """Refuse to add or drop a router while a move stands: it would be left where the move found it.

    The settings of one may change at any time: that is how a wrong address is mended in the middle of trouble.
    """
    if {ref.label for ref in old.targets} == {ref.label for ref in new.targets} or control.phase is Phase.ARMED:
        return
    raise ConflictError(
        f"{old.name} is {control.phase.value}: targets can be added, dropped or renamed only while it is armed; "
        "undo the flip or bring the candidate back first"
    )


def _check_roles(variants: Sequence[VariantSpec]) -> None:
    baselines = sum(variant.role is Role.BASELINE for variant in variants)
    if variants and baselines != 1:
        raise ValidationError(f"variants: exactly one must have the role baseline, got {baselines}")
