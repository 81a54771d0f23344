"""Routes and their variants."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.models.artifact import NO_FACTS, Artifact
from monitor.models.route import Mode, Route, TargetRef
from monitor.models.text import TextPolicy
from monitor.models.variant import Role, Tier, Variant
from monitor.storage.tables import UNATTRIBUTED_ROUTE_ID, RouteControlRow, RouteRow, VariantRow

__all__ = ["RouteStore", "VariantSpec"]


@dataclass(frozen=True, slots=True)
class VariantSpec:
    """What a caller says of a new variant."""

    name: str
    role: Role
    backend: str
    format: str
    tier: Tier
    base_model: str | None = None
    digest: str | None = None
    artifact: Artifact = NO_FACTS


class RouteStore:
    """Rows of ``routes`` and ``variants``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, route: Route) -> Route:
        """Store a new route and return it with its id."""
        row = RouteRow(
            name=route.name,
            mode=route.mode,
            policy=route.policy,
            targets=[target.to_json() for target in route.targets],
            mirror_host_suffix=route.mirror_host_suffix,
            mirror_percent=route.mirror_percent,
            waiver=route.waiver,
            text_storage=route.text_storage.to_json(),
            answer_schema=route.answer_schema,
            created_at=route.created_at,
        )
        self._session.add(row)
        self._session.flush()
        return _route(row)

    def save(self, route: Route) -> None:
        """Store the changeable fields of a route."""
        row = self._session.get_one(RouteRow, route.id)
        row.mode = route.mode
        row.policy = route.policy
        row.targets = [target.to_json() for target in route.targets]
        row.mirror_host_suffix = route.mirror_host_suffix
        row.mirror_percent = route.mirror_percent
        row.waiver = route.waiver
        row.text_storage = route.text_storage.to_json()
        row.answer_schema = route.answer_schema
        self._session.flush()

    def all(self) -> list[Route]:
        """Return every route but the reserved one, by name."""
        rows = self._session.scalars(
            select(RouteRow).where(RouteRow.id != UNATTRIBUTED_ROUTE_ID).order_by(RouteRow.name)
        )
        return [_route(row) for row in rows]

    def by_name(self, name: str) -> Route | None:
        """Return the route of that name."""
        row = self._session.scalar(select(RouteRow).where(RouteRow.name == name, RouteRow.id != UNATTRIBUTED_ROUTE_ID))
        return None if row is None else _route(row)

    def locked(self, route_id: int) -> Route:
        """Return a route; until the transaction ends nobody else changes it, nor the controller's row of it.

        The controller's row is locked first, as the controller itself does. Rows that only refer to the route (events,
        decisions) are still added meanwhile.
        """
        control = select(RouteControlRow.route_id).where(RouteControlRow.route_id == route_id)
        self._session.execute(control.with_for_update(key_share=True))
        route = select(RouteRow).where(RouteRow.id == route_id).with_for_update(key_share=True)
        return _route(self._session.scalars(route.execution_options(populate_existing=True)).one())

    def add_variant(self, route_id: int, spec: VariantSpec, at: datetime) -> Variant:
        """Store a new variant of a route."""
        row = VariantRow(
            route_id=route_id,
            name=spec.name,
            role=spec.role,
            backend=spec.backend,
            format=spec.format,
            tier=spec.tier,
            base_model=spec.base_model,
            digest=spec.digest,
            created_at=at,
            artifact=spec.artifact.to_json(),
        )
        self._session.add(row)
        self._session.flush()
        return _variant(row)

    def locked_variant(self, route_id: int, name: str) -> Variant | None:
        """Return a route's variant of that name; nobody else changes it until the transaction ends."""
        row = self._session.scalar(
            select(VariantRow).where(VariantRow.route_id == route_id, VariantRow.name == name).with_for_update()
        )
        return None if row is None else _variant(row)

    def save_variant(self, variant: Variant) -> None:
        """Store the changeable fields of a variant."""
        row = self._session.get_one(VariantRow, variant.id)
        row.format = variant.format
        row.tier = variant.tier
        row.base_model = variant.base_model
        row.digest = variant.digest
        row.artifact = variant.artifact.to_json()
        row.confirmed_by = variant.confirmed_by
        row.confirmed_at = variant.confirmed_at
        self._session.flush()

    def variants(self, route_id: int | None = None) -> list[Variant]:
        """Return the variants of a route, or of all, baseline first."""
        query = select(VariantRow).order_by(VariantRow.route_id, VariantRow.role, VariantRow.id)
        if route_id is not None:
            query = query.where(VariantRow.route_id == route_id)
        return [_variant(row) for row in self._session.scalars(query)]


def _route(row: RouteRow) -> Route:
    return Route(
        id=row.id,
        name=row.name,
        mode=Mode(row.mode),
        policy=row.policy,
        targets=tuple(TargetRef.from_json(target) for target in row.targets),
        mirror_host_suffix=row.mirror_host_suffix,
        mirror_percent=row.mirror_percent,
        waiver=row.waiver,
        created_at=row.created_at,
        text_storage=TextPolicy.from_json(row.text_storage),
        answer_schema=row.answer_schema,
    )


def _variant(row: VariantRow) -> Variant:
    return Variant(
        id=row.id,
        route_id=row.route_id,
        name=row.name,
        role=Role(row.role),
        backend=row.backend,
        format=row.format,
        tier=Tier(row.tier),
        base_model=row.base_model,
        digest=row.digest,
        created_at=row.created_at,
        artifact=Artifact.from_json(row.artifact),
        confirmed_by=row.confirmed_by,
        confirmed_at=row.confirmed_at,
    )
