"""The events of probes are told from users' when they are stored: by the ids that were sent, and by nothing else."""

from typing import Any

import psycopg
from msgspec.structs import replace

from monitor.models.event import Leg, Record
from monitor.models.probe import ClaimedProbe, ProbeWay, probe_id_in
from monitor.storage.events import Identity
from monitor.storage.probes import sent_among

__all__ = ["as_probe", "tell_probes"]


def as_probe(record: Record, claim: ClaimedProbe) -> Record:
    """Return the record of a probe as what it is: in no test, no user's answer, nothing to match a later turn with.

    What the router sent on as a user's request is of the leg ``probe``. Its copies, and what went straight to a server,
    say nothing of where users' requests go: their leg is ``unknown``.
    """
    if not claim.covers(record.event.started_at):
        return record
    found = record.attribution
    sent_on = claim.way is ProbeWay.ROUTER and found.leg is Leg.PRIMARY
    attribution = replace(found, leg=Leg.PROBE if sent_on else Leg.UNKNOWN, rule=f"{found.rule},leg:probe")
    return replace(record, attribution=attribution, text=None, turn=None, faults=())


async def tell_probes(connection: psycopg.AsyncConnection[Any], records: dict[Identity, Record]) -> None:
    """Put the records of probes in the place of what they were taken for.

    A probe is stored before it is sent, so its events find it, in whichever process they arrive. An id that only looks
    like one stays a user's: nobody hides a request from the tests by its id. Without such an id nothing is asked.
    """
    alike = {
        identity: (record.attribution.route_id, found)
        for identity, record in records.items()
        if (found := probe_id_in(record.event.request_id)) is not None
    }
    sent = await sent_among(connection, set(alike.values()))
    for identity, probe in alike.items():
        if probe in sent:
            records[identity] = as_probe(records[identity], sent[probe])
