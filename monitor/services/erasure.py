"""Erasure: a person's texts and the ids of their events go; the numbers stay, which are nobody's without ids."""

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from monitor.clock import Clock
from monitor.errors import ValidationError
from monitor.models.decision import Audit
from monitor.services.privacy import subject_digests
from monitor.storage.controls import ControlStore
from monitor.storage.decisions import DecisionStore
from monitor.storage.partitions import PartitionStore
from monitor.storage.session import Database
from monitor.storage.subjects import ErasedRows, SubjectStore
from monitor.storage.tables import UNATTRIBUTED_ROUTE_ID

__all__ = ["Erased", "ErasureService"]

_REQUESTS_AT_A_TIME = 1000
_log = structlog.get_logger("fullback.erasure")


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased."""

    events: int
    texts: int
    routes: int


class ErasureService:
    """Erases subjects. Each step is one transaction with its audit row: an erasure that broke off is run again."""

    def __init__(self, database: Database, clock: Clock, keys: Sequence[bytes]) -> None:
        self._database = database
        self._clock = clock
        self._keys = tuple(keys)

    def erase(self, subject: str, reason: str, actor: str) -> Erased:
        """Erase a subject's texts and the ids of their events, on every route.

        Raises:
            ValidationError: the reason, which is kept, names the subject.
        """
        if subject.casefold() in reason.casefold():
            raise ValidationError("the reason is kept in the audit and names the subject; say it without")
        digests, salt = subject_digests(self._keys, subject), secrets.token_bytes(32)
        events: Counter[int] = Counter()
        texts: Counter[int] = Counter()
        with self._database.reading() as session:
            days = PartitionStore(session).days()
        for day in days:
            while True:
                with self._database.transaction() as session:
                    step = SubjectStore(session).erase(day, digests, salt, _REQUESTS_AT_A_TIME)
                    for rows in step:
                        if rows.route_id != UNATTRIBUTED_ROUTE_ID:
                            control = ControlStore(session).get(rows.route_id)
                            DecisionStore(session).add(
                                Audit(
                                    rows.route_id,
                                    self._clock.now(),
                                    actor,
                                    "erase",
                                    control.phase,
                                    control.phase,
                                    _told(rows, reason),
                                    control.epoch,
                                )
                            )
                for rows in step:
                    events[rows.route_id] += rows.events
                    texts[rows.route_id] += rows.texts
                if not step:
                    break
        erased = Erased(events.total(), texts.total(), len(events))
        _log.info("subject erased", actor=actor, events=erased.events, texts=erased.texts, routes=erased.routes)
        return erased


def _told(rows: ErasedRows, reason: str) -> str:
    return f"a subject's {rows.events} events lost their ids and {rows.texts} texts were erased: {reason}"
