"""The tables of events and what is counted of them. Row classes never leave ``storage/``."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from monitor.storage.tables import Base

__all__ = ["EventRow", "EventTextRow", "FaultCountRow", "ProbeRow", "ReadingLayoutRow"]


class EventRow(Base):
    """One stored event; partitioned by the UTC day it started, unique there."""

    __tablename__ = "events"
    __table_args__ = (
        Index("ix_events_started_at", "started_at", postgresql_using="brin"),
        Index(
            "ix_events_received_at",
            "received_at",
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on"},
        ),
        Index("ix_events_subject", "subject", postgresql_where=text("subject IS NOT NULL")),
        {"postgresql_partition_by": "RANGE (start_day)"},
    )

    route_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    start_day: Mapped[date] = mapped_column(Date, primary_key=True)
    event_key: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    variant_id: Mapped[int | None] = mapped_column(BigInteger)
    source: Mapped[str]
    recorder: Mapped[str]
    leg: Mapped[str]
    rule: Mapped[str]
    attempt: Mapped[int] = mapped_column(SmallInteger)
    request_id: Mapped[str]
    session_id: Mapped[str | None]
    backend: Mapped[str]
    mirrored: Mapped[bool | None] = mapped_column(Boolean)
    started_at: Mapped[datetime]
    received_at: Mapped[datetime]
    status: Mapped[int | None] = mapped_column(SmallInteger)
    failure: Mapped[str | None]
    duration_ms: Mapped[float | None] = mapped_column(REAL)
    ttft_ms: Mapped[float | None] = mapped_column(REAL)
    finish_reason: Mapped[str | None]
    prompt_tokens: Mapped[int | None] = mapped_column(Integer)
    completion_tokens: Mapped[int | None] = mapped_column(Integer)
    requested_model: Mapped[str | None]
    response_model: Mapped[str | None]
    system_fingerprint: Mapped[str | None]
    slices: Mapped[list[str]]
    layout_id: Mapped[int] = mapped_column(Integer)
    readings: Mapped[list[float | None]] = mapped_column(ARRAY(REAL))
    subject: Mapped[str | None]
    turn: Mapped[bytes | None] = mapped_column(LargeBinary)
    text_blob: Mapped[UUID | None] = mapped_column(Uuid)
    text_index: Mapped[int | None] = mapped_column(Integer)


class ReadingLayoutRow(Base):
    """The signals that an event's readings are of, in the order of the array."""

    __tablename__ = "reading_layouts"
    __table_args__ = (UniqueConstraint("names"),)

    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    names: Mapped[list[str]]


class FaultCountRow(Base):
    """How often a variant's answers of one day failed in one place."""

    __tablename__ = "fault_counts"

    route_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    variant_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    start_day: Mapped[date] = mapped_column(Date, primary_key=True)
    signal: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(primary_key=True)
    detail: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column(BigInteger)


class EventTextRow(Base):
    """The texts of one commit's events of one route and day, compressed together; its retention is shorter."""

    __tablename__ = "event_texts"
    __table_args__ = ({"postgresql_partition_by": "RANGE (start_day)"},)

    route_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    start_day: Mapped[date] = mapped_column(Date, primary_key=True)
    blob_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    codec: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class ProbeRow(Base):
    """A synthetic request that was sent: its events are told from users' by its id, and by nothing else."""

    __tablename__ = "probes"
    __table_args__ = (Index("ix_probes_sent", "route_id", "way", "sent_at"),)

    route_id: Mapped[int] = mapped_column(ForeignKey("routes.id"), primary_key=True)
    request_id: Mapped[str] = mapped_column(primary_key=True)
    epoch: Mapped[int] = mapped_column(BigInteger)
    way: Mapped[str]
    sent_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    failed: Mapped[bool | None] = mapped_column(Boolean)
