"""The tables. Row classes never leave ``storage/``: stores give and take domain types."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = [
    "UNATTRIBUTED_ROUTE_ID",
    "ApiKeyRow",
    "AttributionRuleRow",
    "Base",
    "DeadLetterRow",
    "DecisionRow",
    "FindingRow",
    "FingerprintRow",
    "FreezeRow",
    "IncidentRow",
    "IngestAccountRow",
    "LeaseRow",
    "OutboxRow",
    "PolicyRow",
    "PromotionRow",
    "RehearsalRow",
    "RouteClockRow",
    "RouteControlRow",
    "RouteRow",
    "StreamRow",
    "TickCountRow",
    "VariantRow",
    "WatermarkRow",
]

UNATTRIBUTED_ROUTE_ID = 0
"""Events that no rule could attribute live under this reserved route."""


class Base(DeclarativeBase):
    """Root of the tables: explicit constraint names, aware timestamps, JSONB."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own hook
        str: Text,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[str]: ARRAY(Text),
        list[dict[str, Any]]: JSONB,
    }


class ApiKeyRow(Base):
    """An API key; only its digest is kept."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    source: Mapped[str]
    scopes: Mapped[list[str]]
    routes: Mapped[list[str] | None]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PolicyRow(Base):
    """One version of a policy document; versions are never changed."""

    __tablename__ = "policies"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    actor: Mapped[str]
    created_at: Mapped[datetime]


class RouteRow(Base):
    """A route."""

    __tablename__ = "routes"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    mode: Mapped[str]
    policy: Mapped[str]
    targets: Mapped[list[dict[str, Any]]]
    mirror_host_suffix: Mapped[str | None]
    mirror_percent: Mapped[float] = mapped_column(Float)
    waiver: Mapped[str | None]
    text_storage: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    answer_schema: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[datetime]


class VariantRow(Base):
    """A variant of a route."""

    __tablename__ = "variants"
    __table_args__ = (
        UniqueConstraint("route_id", "name"),
        UniqueConstraint("route_id", "backend"),
        Index("uq_variants_one_baseline", "route_id", unique=True, postgresql_where=text("role = 'baseline'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    route_id: Mapped[int] = mapped_column(ForeignKey("routes.id"))
    name: Mapped[str]
    role: Mapped[str]
    backend: Mapped[str]
    format: Mapped[str]
    tier: Mapped[str]
    base_model: Mapped[str | None]
    digest: Mapped[str | None]
    created_at: Mapped[datetime]
    artifact: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]


class AttributionRuleRow(Base):
    """A rule that attributes events without an explicit route or variant; the first match counts."""

    __tablename__ = "attribution_rules"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    match: Mapped[dict[str, Any]]
    outcome: Mapped[dict[str, Any]]
    actor: Mapped[str]
    created_at: Mapped[datetime]


class FingerprintRow(Base):
    """A ``system_fingerprint`` seen of a variant; a new one is an event of its own."""

    __tablename__ = "fingerprints"

    route_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    variant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(primary_key=True)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]


class FindingRow(Base):
    """Something on-call should know that is no incident: a silent shipper, a variant unlike its declaration."""

    __tablename__ = "findings"
    __table_args__ = (
        Index("uq_findings_one_open", "kind", "subject", unique=True, postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[str]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    closed_reason: Mapped[str | None]


class WatermarkRow(Base):
    """How far a look at the events got, by the receive clock."""

    __tablename__ = "watermarks"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class DeadLetterRow(Base):
    """A record that was not stored as an event, with the reason."""

    __tablename__ = "dead_letters"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(index=True)
    source: Mapped[str]
    door: Mapped[str]
    code: Mapped[str]
    detail: Mapped[str]
    pointer: Mapped[str]
    size: Mapped[int] = mapped_column(Integer)
    skeleton: Mapped[str | None]


class IngestAccountRow(Base):
    """How many records of a source ended how, per hour: received = stored + duplicate + rejected."""

    __tablename__ = "ingest_accounts"

    source: Mapped[str] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    outcome: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)
    last_at: Mapped[datetime]


class RouteClockRow(Base):
    """Where evaluation of a route stands: the last closed tick and the horizon of the hour."""

    __tablename__ = "route_clocks"

    route_id: Mapped[int] = mapped_column(ForeignKey("routes.id"), primary_key=True)
    tick_s: Mapped[float] = mapped_column(Float)
    last_tick: Mapped[int] = mapped_column(BigInteger)
    horizon_s: Mapped[float] = mapped_column(Float)
    horizon_hour: Mapped[datetime]
    warm_at: Mapped[datetime | None]


class StreamRow(Base):
    """One tested stream: (route, candidate, signal, slice) with its detector state."""

    __tablename__ = "streams"
    __table_args__ = (UniqueConstraint("route_id", "candidate_id", "signal", "slice"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    route_id: Mapped[int] = mapped_column(ForeignKey("routes.id"))
    candidate_id: Mapped[int] = mapped_column(ForeignKey("variants.id"))
    signal: Mapped[str]
    slice: Mapped[str]
    fingerprint: Mapped[str]
    threshold: Mapped[float] = mapped_column(Float)
    state: Mapped[dict[str, Any]]
    last_tick: Mapped[int] = mapped_column(BigInteger)
    verdict: Mapped[str]
    reason: Mapped[str]
    evidence: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]


class TickCountRow(Base):
    """What one closed tick added to one stream; for pages, effects and latency thresholds."""

    __tablename__ = "tick_counts"
    __table_args__ = (Index(None, "route_id", "started_at"),)

    route_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    stream_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    tick: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    started_at: Mapped[datetime]
    counts: Mapped[dict[str, Any]]


class IncidentRow(Base):
    """One cause on one (route, candidate); at most one is open."""

    __tablename__ = "incidents"
    __table_args__ = (
        Index(
            "uq_incidents_one_open", "route_id", "candidate_id", unique=True, postgresql_where=text("closed_at IS NULL")
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    route_id: Mapped[int] = mapped_column(ForeignKey("routes.id"))
    candidate_id: Mapped[int] = mapped_column(ForeignKey("variants.id"))
    stream_id: Mapped[int] = mapped_column(BigInteger)
    signal: Mapped[str]
    slice: Mapped[str]
    headline: Mapped[str]
    opened_at: Mapped[datetime]
    onset_at: Mapped[datetime]
    alarm_tick: Mapped[int] = mapped_column(BigInteger)
    last_alarm_at: Mapped[datetime]
    alarms: Mapped[int] = mapped_column(Integer)
    evidence: Mapped[dict[str, Any]]
    effect: Mapped[dict[str, Any] | None]
    decided: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    advice: Mapped[str | None]
    critical: Mapped[bool] = mapped_column(server_default=false())
    at_least: Mapped[dict[str, Any] | None]


class DecisionRow(Base):
    """The audit: what was decided or changed, by whom, why, on which evidence. Append-only."""

    __tablename__ = "decisions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    route_id: Mapped[int] = mapped_column(BigInteger, index=True)
    incident_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    from_phase: Mapped[str]
    to_phase: Mapped[str]
    reason: Mapped[str]
    epoch: Mapped[int] = mapped_column(BigInteger)
    policy_name: Mapped[str | None]
    policy_version: Mapped[int | None] = mapped_column(Integer)
    evidence: Mapped[dict[str, Any] | None]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    code_version: Mapped[str]


class RouteControlRow(Base):
    """The controller's state of a route; the desired state is written here before the router is called."""

    __tablename__ = "route_controls"
    __table_args__ = (CheckConstraint("epoch >= 0", name="epoch_not_negative"),)

    route_id: Mapped[int] = mapped_column(ForeignKey("routes.id"), primary_key=True)
    phase: Mapped[str]
    phase_since: Mapped[datetime]
    goal: Mapped[str]
    actor: Mapped[str]
    epoch: Mapped[int] = mapped_column(BigInteger)
    desired: Mapped[dict[str, Any]]
    """Per target."""
    before: Mapped[dict[str, Any]]
    """Per target."""
    applied_at: Mapped[datetime | None]
    incident_id: Mapped[int | None] = mapped_column(BigInteger)
    pinned_by: Mapped[str | None]
    pinned_until: Mapped[datetime | None]
    stages: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'::jsonb"))
    stage: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    backed_off: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    reasserted: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    told: Mapped[str | None]
    condemned: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'::jsonb"))
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    """Raised by every write, and compared by it."""


class FreezeRow(Base):
    """A time in which nothing is moved automatically: a person's, or the breaker's; of one route, or of all."""

    __tablename__ = "freezes"
    __table_args__ = (Index("ix_freezes_standing", "route_id", postgresql_where=text("lifted_at IS NULL")),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    route_id: Mapped[int | None] = mapped_column(ForeignKey("routes.id"))
    actor: Mapped[str]
    reason: Mapped[str]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[str | None]
    lifted_reason: Mapped[str | None]


class RehearsalRow(Base):
    """The last rehearsal of a route's rollback at one of its targets."""

    __tablename__ = "rehearsals"

    route_id: Mapped[int] = mapped_column(ForeignKey("routes.id"), primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    problems: Mapped[list[str]]
    changes: Mapped[list[str]]
    owners: Mapped[list[str]]


class PromotionRow(Base):
    """A question of the promotion gate, asked once and never changed: was this candidate proved not harmful?"""

    __tablename__ = "promotions"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    route_id: Mapped[int] = mapped_column(ForeignKey("routes.id"))
    candidate_id: Mapped[int] = mapped_column(ForeignKey("variants.id"))
    at: Mapped[datetime]
    log_e: Mapped[float] = mapped_column(Float)
    log_threshold: Mapped[float] = mapped_column(Float)
    opened: Mapped[bool]


class LeaseRow(Base):
    """A leadership lease: expiry and epoch, taken by a conditional UPDATE."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    epoch: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[datetime]


class OutboxRow(Base):
    """An alert on its way to one notifier, written in the same commit as the decision."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("dedup_key", "notifier"),
        Index("ix_outbox_due", "next_attempt_at", postgresql_where=text("done_at IS NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    dedup_key: Mapped[str]
    notifier: Mapped[str]
    alert: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(Integer)
    next_attempt_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    result: Mapped[str | None]
