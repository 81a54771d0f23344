"""Variants of a route: changing what is said of one, and confirming it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from monitor.clock import Clock
from monitor.errors import ConflictError, NotFoundError, ValidationError
from monitor.models.artifact import Artifact
from monitor.models.decision import Audit
from monitor.models.route import Route
from monitor.models.variant import Tier, Variant
from monitor.services.catalog import CatalogCache
from monitor.services.variant_facts import facts_of
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.routes import RouteStore
from monitor.storage.session import Database

__all__ = ["VariantChange", "VariantService", "check_reference"]


@dataclass(frozen=True, slots=True)
class VariantChange:
    """What a caller wants changed; None leaves a field as it is. Facts are replaced as a whole."""

    format: str | None = None
    tier: Tier | None = None
    base_model: str | None = None
    digest: str | None = None
    artifact: Artifact | None = None


class VariantService:
    """Changes and confirms variants; every act is audited."""

    def __init__(self, database: Database, catalog: CatalogCache, clock: Clock) -> None:
        self._database = database
        self._catalog = catalog
        self._clock = clock

    def change(self, route: Route, name: str, change: VariantChange, actor: str) -> Variant:
        """Change what is said of a variant. What was confirmed before has to be confirmed anew, but for the digest.

        Raises:
            NotFoundError: the route has no such variant.
            ValidationError: nothing is to be changed, or the reference is no other variant of the route.
        """
        fields = {field: getattr(change, field) for field in VariantChange.__dataclass_fields__}
        fields = {field: value for field, value in fields.items() if value is not None}
        if not fields:
            raise ValidationError(
                f"{route.name}/{name}: nothing to change; name one of {', '.join(VariantChange.__dataclass_fields__)}"
            )

        def changed(variant: Variant) -> Variant:
            new = replace(variant, **fields)
            same = replace(new, digest=variant.digest) == variant
            return new if same else replace(new, confirmed_by=None, confirmed_at=None)

        return self._take(route, name, changed, f"{name}: set {', '.join(fields)}", actor)

    def confirm(
        self, route: Route, name: str, artifact: Artifact | None, seen_tier: Tier | None, actor: str
    ) -> Variant:
        """Confirm a variant's tier and facts, those given or else those that are shown now: they count from here on.

        Raises:
            ConflictError: the tier is not the one that was seen.
            NotFoundError: the route has no such variant.
            ValidationError: the reference is no other variant of the route.
        """

        def confirmed(variant: Variant) -> Variant:
            if seen_tier is not None and seen_tier is not variant.tier:
                raise ConflictError(
                    f"{route.name}/{name}: the tier is {variant.tier.value} now, {seen_tier.value} was seen; look again"
                )
            facts = facts_of(variant).artifact if artifact is None else artifact
            return replace(variant, artifact=facts, confirmed_by=actor, confirmed_at=self._clock.now())

        return self._take(route, name, confirmed, f"{name}: tier and facts confirmed", actor)

    def _take(self, route: Route, name: str, change: Callable[[Variant], Variant], reason: str, actor: str) -> Variant:
        """Change a variant that nobody else can change meanwhile, and write it into the audit."""
        with self._database.transaction() as session:
            store = RouteStore(session)
            known = store.variants(route.id)
            variant = store.locked_variant(route.id, name)
            if variant is None:
                names = ", ".join(one.name for one in known) or "none yet"
                raise NotFoundError(f"route {route.name!r} has no variant {name!r}; it has: {names}")
            new = change(variant)
            check_reference(route.name, name, new.artifact, (one.name for one in known))
            store.save_variant(new)
            control = ControlStore(session).get(route.id)
            DecisionStore(session).add(
                Audit(
                    route.id, self._clock.now(), actor, "variant", control.phase, control.phase, reason, control.epoch
                )
            )
        self._catalog.forget()
        return new


def check_reference(route: str, name: str, artifact: Artifact, known: Iterable[str]) -> None:
    """Check that a variant's reference is another variant of its route.

    Raises:
        ValidationError: it is not; the message lists those it may be.
    """
    if artifact.reference is None:
        return
    others = [other for other in known if other != name]
    if artifact.reference not in others:
        raise ValidationError(
            f"{route}/{name}: reference is {artifact.reference!r}, it must be another variant of the route: "
            f"{', '.join(others) or 'add that one first'}"
        )
