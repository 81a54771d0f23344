"""Sending synthetic requests: few, each once, each stored before it leaves, and none that a step would wait for."""

import os
from collections.abc import Sequence
from datetime import datetime
from threading import Lock, Thread
from typing import Final

import msgspec
import structlog

from monitor.clock import Clock
from monitor.controller.situation import Situation
from monitor.errors import FullbackError, RoutingError
from monitor.models.acting import ProbePolicy
from monitor.models.probe import ProbeWay, new_probe_id
from monitor.routing.bounded_http import Answer, Question, ask_all, checked_url
from monitor.storage.probes import ProbeStore
from monitor.storage.session import Database

__all__ = ["AT_ONCE", "Prober", "answered_well", "how_many", "question"]

AT_ONCE: Final = 8
"""So many of a route are under way at the same time, and no more are sent until all of them have ended."""
_WITHIN_S: Final = 10.0
"""An answer that takes longer is none."""
_MOST_BYTES: Final = 64 * 1024
_PROMPT: Final = "Reply with the single word: ok"
_MOST_TOKENS: Final = 4
_log = structlog.get_logger("fullback.probes")


class _Completion(msgspec.Struct):
    """As much of a chat completion as tells it from something else."""

    choices: list[msgspec.Raw]


def how_many(wanted: int, sent: int, most: int) -> int:
    """Return how many probes may be sent now: no more than are wanted, are left of the most, and may fly at once."""
    return max(0, min(wanted, most - sent, AT_ONCE))


def question(probe: ProbePolicy, request_id: str, token: str | None) -> Question:
    """Return a probe as a request: a fixed harmless prompt, the shortest of answers, an id that is ours."""
    headers = {"content-type": "application/json", "x-request-id": request_id}
    if token:
        headers["authorization"] = f"Bearer {token}"
    body = {
        "model": probe.model,
        "messages": [{"role": "user", "content": _PROMPT}],
        "max_tokens": _MOST_TOKENS,
        "temperature": 0,
    }
    return Question("POST", probe.url, headers, msgspec.json.encode(body), most_bytes=_MOST_BYTES)


def answered_well(answer: Answer | RoutingError) -> bool:
    """Tell whether a probe was answered with a completion."""
    if isinstance(answer, RoutingError) or not answer.ok:
        return False
    try:
        return bool(msgspec.json.decode(answer.body, type=_Completion).choices)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


class Prober:
    """Sends probes of all routes. Safe to use from several threads.

    What was sent is in the database and nowhere else, so a budget outlives the process and two leaders share it.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._lock = Lock()
        self._flying: dict[int, Thread] = {}

    def send(
        self,
        seen: Situation,
        probe: ProbePolicy,
        way: ProbeWay,
        wanted: int,
        *,
        since: datetime,
        epoch: int | None = None,
    ) -> int:
        """Send a few of the probes that are wanted, and return how many; what comes back is stored as it comes.

        Nothing is sent while others of the route are under way, nor once the row is not as it was seen: a leader that
        slept sends nothing.

        Args:
            seen: The situation.
            probe: Where to, and at most how many.
            way: Where that is.
            wanted: How many would be enough.
            since: Those sent from then on count against the most;
            epoch: only those of this epoch, where it is named.
        """
        with self._lock:
            if wanted <= 0 or self.flying(seen.route.id):
                return 0
            ids = self._reserved(seen, probe, way, wanted, since, epoch)
            if not ids:
                return 0
            thread = Thread(target=self._fly, args=(seen.route.id, probe, ids), name="probes", daemon=True)
            self._flying[seen.route.id] = thread
            thread.start()
        return len(ids)

    def flying(self, route_id: int) -> bool:
        """Tell whether probes of a route are under way."""
        thread = self._flying.get(route_id)
        return thread is not None and thread.is_alive()

    def settle(self, timeout_s: float = 2 * _WITHIN_S) -> None:
        """Wait until nothing is under way."""
        for thread in list(self._flying.values()):
            thread.join(timeout_s)

    def _reserved(
        self, seen: Situation, probe: ProbePolicy, way: ProbeWay, wanted: int, since: datetime, epoch: int | None
    ) -> list[str]:
        route_id, control = seen.route.id, seen.control
        with self._database.transaction() as session:
            store = ProbeStore(session)
            if not store.hold(route_id, control.epoch, control.phase):
                return []
            sent = store.sent(route_id, way, since, epoch)
            ids = [new_probe_id() for _ in range(how_many(wanted, sent, probe.requests))]
            store.add(route_id, control.epoch, way, ids, self._clock.now())
        return ids

    def _fly(self, route_id: int, probe: ProbePolicy, ids: Sequence[str]) -> None:
        try:
            failed = self._asked(probe, ids)
            with self._database.transaction() as session:
                ProbeStore(session).end(route_id, failed, self._clock.now())
        except FullbackError as error:
            _log.warning("probes not noted", code=error.code, detail=error.detail)
        except Exception as error:  # noqa: BLE001 - a thread of its own has nobody to raise to
            _log.warning("probes failed unexpectedly", error=type(error).__name__)

    def _asked(self, probe: ProbePolicy, ids: Sequence[str]) -> dict[str, bool]:
        token = os.environ.get(probe.key_env) if probe.key_env else None
        try:
            checked_url(probe.url, "probe.url", query=True)
        except ValueError as error:
            _log.warning("probes not sent", detail=str(error))
            return dict.fromkeys(ids, True)
        answers = ask_all([question(probe, one, token) for one in ids], _WITHIN_S)
        wrong = [one for one in answers if not answered_well(one)]
        if wrong:
            first = wrong[0]
            told = first.detail if isinstance(first, RoutingError) else f"answered {first.status}"
            _log.warning("probes not answered", failed=len(wrong), sent=len(ids), detail=told)
        return {one: not answered_well(answer) for one, answer in zip(ids, answers, strict=True)}
