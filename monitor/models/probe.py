"""Synthetic requests: how their ids look, and what is kept of each."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import uuid4

__all__ = ["ClaimedProbe", "ProbeAnswers", "ProbeWay", "new_probe_id", "probe_id_in"]

_PREFIX: Final = "fb0be000-"
_ID: Final = re.compile(r"(?:chatcmpl-)?(fb0be000-[0-9a-f]{4}-)([49ab])([0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})")
_NEAR: Final = timedelta(minutes=5)


class ProbeWay(StrEnum):
    """Where a probe was sent."""

    ROUTER = "router"
    """Through the router, as a client would ask: evidence of where requests go."""
    BASELINE = "baseline"
    """Straight to the baseline: evidence of its health, and none of the routing."""


@dataclass(frozen=True, slots=True)
class ClaimedProbe:
    """A probe that was sent, as its id is looked up when an event carries it."""

    way: ProbeWay
    sent_at: datetime

    def covers(self, started_at: datetime) -> bool:
        """Tell whether an event can be the probe's by its time: a known id hides nothing sent later under it."""
        return abs(started_at - self.sent_at) <= _NEAR


@dataclass(frozen=True, slots=True)
class ProbeAnswers:
    """What came back of the probes of a time."""

    answered: int = 0
    """Those that ended, well or not."""
    failed: int = 0


def new_probe_id() -> str:
    """Return an id for ``x-request-id``: a UUID, since some engines take nothing else, with a first group of ours.

    90 bits of it are random: nobody can guess one that was sent.
    """
    return _PREFIX + str(uuid4())[len(_PREFIX) :]


def probe_id_in(request_id: str) -> str | None:
    """Return the id of a probe that a request id looks like, None for all others; one comparison for most.

    Undone is what is known to be done to ids on the way: Envoy writes its tracing decision into the version digit, and
    vLLM puts ``chatcmpl-`` before it. Only an id that was sent is a probe's: ask the store.
    """
    if not request_id.startswith((_PREFIX, "chatcmpl-" + _PREFIX)):
        return None
    found = _ID.fullmatch(request_id)
    return None if found is None else f"{found[1]}4{found[3]}"
