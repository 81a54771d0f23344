"""Router counters that must not rise after a flip: each is held against its first reading after it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final

from monitor.errors import RoutingError
from monitor.routing.meters import read_counter

__all__ = ["CounterWatch", "rise"]

_WITHIN_S: Final = 1.5
_AT_ONCE: Final = 4


def rise(base: float, now: float) -> float:
    """Return how much a counter rose since its base.

    One that fell was set back by a restart of the router, which came after the base was read: all it shows is new.
    """
    return now - base if now >= base else now


class CounterWatch:
    """Reads counters, and remembers each one's first reading after a write.

    The first readings are in memory alone: after a restart, or a change of leader, the next reading is the first. What
    rose before it is then not seen here; the events tell of it all the same.
    """

    def __init__(self) -> None:
        self._base: dict[int, tuple[tuple[int, datetime], dict[int, float]]] = {}
        """Per route: the epoch and the instant that its readings are of, and the first of each counter."""

    def look(
        self, route_id: int, epoch: int, since: datetime, counters: Sequence[Mapping[str, Any]]
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return which counters rose since a write took effect, and which cannot tell, in words.

        Args:
            route_id: The route.
            epoch: Of the write.
            since: When it has taken effect.
            counters: ``url``, ``metric`` and ``labels`` of each.
        """
        mark, base = self._base.get(route_id, ((-1, since), {}))
        if mark != (epoch, since):
            base = {}
            self._base[route_id] = (epoch, since), base
        with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="counters") as pool:
            values = list(pool.map(_value, counters))
        risen, unread = [], []
        for place, (counter, value) in enumerate(zip(counters, values, strict=True)):
            name = str(counter["metric"])
            if isinstance(value, str):
                unread.append(f"{name}: {value}")
            elif place not in base:
                base[place] = value
                unread.append(f"{name}: read for the first time since the flip, there is nothing to hold it against")
            elif (rose := rise(base[place], value)) > 0:
                risen.append(f"{name} rose by {rose:g}")
        return tuple(risen), tuple(unread)


def _value(counter: Mapping[str, Any]) -> float | str:
    """Return a counter's value, or why it has none."""
    try:
        return read_counter(counter["url"], counter["metric"], dict(counter.get("labels") or {}), _WITHIN_S)
    except RoutingError as error:
        return error.detail
    except ValueError as error:
        return str(error)
