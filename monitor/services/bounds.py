"""How bad the harm of an open incident is at least: noted when more is shown than before."""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from detectors.stats.severity import LadderState
from monitor.services.ladder import bound_of
from monitor.services.watch import Watched
from monitor.storage.incidents import IncidentStore

__all__ = ["note_bounds"]


def note_bounds(
    session: Session, watched: Sequence[Watched], ladders: Mapping[int, LadderState | None], tick: int, valid_ticks: int
) -> None:
    """Note the bounds of a route's incidents after a tick; nothing is read while no rung has alarmed.

    Args:
        session: The transaction that closes the tick.
        watched: The route's streams as they stood before it.
        ladders: By stream id, their rungs after it.
        tick: Its number.
        valid_ticks: How long a rung's alarm speaks for the present.
    """
    found = {one.stream.id: bound_of(ladders.get(one.stream.id), one, tick, max(1, valid_ticks)) for one in watched}
    bounds = {stream_id: bound for stream_id, bound in found.items() if bound is not None}
    if not bounds:
        return
    store = IncidentStore(session)
    for incident in store.open_of(watched[0].stream.route_id):
        bound = bounds.get(incident.stream_id)
        known = 0.0 if incident.at_least is None else incident.at_least["factor"]
        if bound is not None and bound["factor"] > known:
            store.set_at_least(incident.id, bound)
