"""Pairing: the records of a tick become pairs, one per request, all at once by columns. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from monitor.models.columns import LegColumns, PairColumns, SliceSet
from monitor.models.slices import ALL
from monitor.models.tick import ALWAYS_APPLICABLE

__all__ = ["pair_columns"]

_NEVER: Final = np.iinfo(np.int64).max
_ABSENT: Final = -1
_Rows = NDArray[np.int64]


def pair_columns(legs: LegColumns, start_us: int, end_us: int, *, mirror_complete: bool) -> PairColumns:
    """Join the legs of each request whose primary leg began in [start, end), microseconds since 1970.

    A pair belongs to its primary leg's start, taken from the gateway where it recorded one; a shadow whose primary is
    missing belongs to its own. ``legs`` must reach beyond the tick on both sides by the clocks' skew. With
    ``mirror_complete`` every primary is expected to have a shadow; otherwise one without counts as missing it only if
    the access log says that it was mirrored. Requests whose recorders name different variants for one leg are left out.

    Of one leg's records the server's readings count, and either recorder can report a failure. A gateway's times are
    longer than a server's by the way between them and by a slow client; only one leg has a gateway, so its times never
    stand in for the server's.
    """
    ordered = _of_tick(legs, start_us, end_us)
    n = len(ordered.request)
    if not n:
        return _nothing(legs.signals)
    of_request, requests = _runs(ordered.request)
    of_leg, groups = _runs(2 * of_request + ordered.shadow)
    first = _starts(of_leg)
    variant = ordered.variant[first]
    odd = np.minimum.reduceat(ordered.variant, first) != np.maximum.reduceat(ordered.variant, first)
    legs_of = np.full((2, requests), _ABSENT, dtype=np.int64)
    legs_of[ordered.shadow[first].astype(np.int64), of_request[first]] = np.arange(groups)
    conflicting = np.zeros(requests, dtype=np.bool_)
    conflicting[of_request[first[odd]]] = True
    expected = _expected(ordered, _starts(of_request), mirror_complete=mirror_complete)
    unsampled = ~conflicting & (legs_of[1] == _ABSENT) & ~expected
    keep = ~conflicting & ~unsampled
    variants = [
        np.where(legs_of[leg] == _ABSENT, _usual(ordered.variant[ordered.shadow == bool(leg)]), variant[legs_of[leg]])
        for leg in (0, 1)
    ]
    keep &= (variants[0] != _ABSENT) & (variants[1] != _ABSENT)
    merged, applicable = _merged(ordered, of_leg, groups)
    tokens = np.append(np.maximum.reduceat(ordered.tokens, first), _ABSENT)
    sets, slice_set = _slices(ordered, of_request, requests)
    kept, told = legs_of[:, keep], np.flatnonzero(keep)
    return PairColumns(
        primary_variant=variants[0][told],
        shadow_variant=variants[1][told],
        signals=ordered.signals,
        primary=merged[:, kept[0]],
        shadow=merged[:, kept[1]],
        applicable=applicable[:, kept[0]] | applicable[:, kept[1]] | _always(ordered.signals),
        slice_set=slice_set[told],
        sets=sets,
        primary_tokens=tokens[kept[0]],
        shadow_tokens=tokens[kept[1]],
        client=np.maximum.reduceat(ordered.client, _starts(of_request))[told],
        unsampled=int(unsampled.sum()),
        conflicting=int(conflicting.sum()),
    )


def _nothing(signals: tuple[str, ...]) -> PairColumns:
    none, rows = np.empty(0, dtype=np.int64), np.empty((len(signals), 0))
    return PairColumns(none, none, signals, rows, rows, rows.astype(np.bool_), none, (), none, none, none)


def _of_tick(legs: LegColumns, start_us: int, end_us: int) -> LegColumns:
    """Return the legs of the tick's requests, by request, leg and precedence: what comes last counts."""
    by_request = np.argsort(legs.request, kind="stable")
    of_request, requests = _runs(legs.request[by_request])
    if not requests:
        return legs
    first, began = _starts(of_request), legs.began_us[by_request]
    primary = ~legs.shadow[by_request]
    seen = np.minimum.reduceat(np.where(primary & legs.gateway[by_request], began, _NEVER), first)
    for others in (np.where(primary, began, _NEVER), began):
        seen = np.where(seen == _NEVER, np.minimum.reduceat(others, first), seen)
    mine = ((seen >= start_us) & (seen < end_us))[of_request]
    rows, of_request = by_request[mine], of_request[mine]
    finer = np.lexsort((legs.began_us[rows], ~legs.gateway[rows], 2 * of_request + legs.shadow[rows]))
    return _untied(_taken(legs, rows[finer]))


def _taken(legs: LegColumns, rows: _Rows) -> LegColumns:
    return replace(
        legs,
        request=legs.request[rows],
        gateway=legs.gateway[rows],
        shadow=legs.shadow[rows],
        variant=legs.variant[rows],
        began_us=legs.began_us[rows],
        tokens=legs.tokens[rows],
        mirrored=legs.mirrored[rows],
        client=legs.client[rows],
        slice_set=legs.slice_set[rows],
        readings=legs.readings[:, rows],
    )


def _untied(legs: LegColumns) -> LegColumns:
    """Order records that one recorder stamped alike by their readings, as ``pairing`` does. They are rare."""
    same = (
        (legs.request[1:] == legs.request[:-1])
        & (legs.shadow[1:] == legs.shadow[:-1])
        & (legs.gateway[1:] == legs.gateway[:-1])
        & (legs.began_us[1:] == legs.began_us[:-1])
    )
    if not same.any():
        return legs
    rows = np.arange(len(legs.request))
    run = np.append(0, np.cumsum(~same))
    in_ties = np.flatnonzero(np.append(same, False) | np.append(False, same))
    for tied in np.split(in_ties, np.flatnonzero(np.diff(run[in_ties])) + 1):
        rows[tied] = sorted(tied.tolist(), key=lambda row: _items(legs, row))
    return _taken(legs, rows)


def _items(legs: LegColumns, row: int) -> list[tuple[str, float]]:
    values = legs.readings[:, row].tolist()
    return sorted((name, value) for name, value in zip(legs.signals, values, strict=True) if not isnan(value))


def _runs(keys: NDArray[np.int64]) -> tuple[_Rows, int]:
    """Return, for sorted keys, the number of each one's run, and how many there are."""
    if not len(keys):
        return np.empty(0, dtype=np.int64), 0
    number = np.append(0, np.cumsum(keys[1:] != keys[:-1]))
    return number, int(number[-1]) + 1


def _starts(number: _Rows) -> _Rows:
    return np.flatnonzero(np.append(True, number[1:] != number[:-1]))


def _usual(variants: NDArray[np.int64]) -> int:
    """Return the variant that most records of a leg name: whose answer is missing when none came."""
    found, counts = np.unique(variants, return_counts=True)
    return int(found[np.argmax(counts)]) if len(found) else _ABSENT


def _expected(legs: LegColumns, first: _Rows, *, mirror_complete: bool) -> NDArray[np.bool_]:
    """Return whether each request should have a shadow: by its access log, else by the mirror's setting."""
    marks = np.maximum.reduceat(np.where(legs.shadow, _ABSENT, legs.mirrored), first)
    return np.where(marks == _ABSENT, mirror_complete, marks == 1)


def _merged(legs: LegColumns, of_leg: _Rows, groups: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return each leg's readings and the signals that its servers told of; one more leg, the last, stands for none.

    The server's reading counts, and either recorder can report a failure.
    """
    merged = np.full((len(legs.signals), groups + 1), np.nan)
    applicable = np.zeros((len(legs.signals), groups + 1), dtype=np.bool_)
    error = legs.signals.index(ALWAYS_APPLICABLE) if ALWAYS_APPLICABLE in legs.signals else None
    told = ~legs.gateway if error is None else ~legs.gateway | (legs.readings[error] > 0.0)
    rank = np.arange(len(of_leg)) - _starts(of_leg)[of_leg]
    for place in range(int(rank.max()) + 1):
        rows = np.flatnonzero((rank == place) & told)
        values, into = legs.readings[:, rows], of_leg[rows]
        known = ~np.isnan(values)
        merged[:, into] = values if place == 0 else np.where(known, values, merged[:, into])
        applicable[:, into] |= known & ~legs.gateway[rows]
    if error is not None:
        failed = np.fmax.reduceat(legs.readings[error], _starts(of_leg))
        merged[error, :groups] = np.where(np.isnan(failed), np.nan, np.maximum(failed, 0.0))
    return merged, applicable


def _always(signals: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.array([name == ALWAYS_APPLICABLE for name in signals], dtype=np.bool_).reshape(-1, 1)


def _slices(legs: LegColumns, of_request: _Rows, requests: int) -> tuple[Sequence[SliceSet], _Rows]:
    """Return the sets of slices and each request's: what its servers told, together."""
    sets = [*map(_with_all, legs.sets), _with_all(frozenset())]
    servers = np.flatnonzero(~legs.gateway)
    told, whose = legs.slice_set[servers], of_request[servers]
    found = np.full(requests, len(sets) - 1, dtype=np.int64)
    found[whose] = told
    number: dict[frozenset[str], int] = {}
    for row in np.flatnonzero(found[whose] != told).tolist():  # servers of one request that tell apart: rare
        union = sets[found[whose[row]]] | sets[told[row]]
        if union not in number:
            number[union] = len(sets)
            sets.append(union)
        found[whose[row]] = number[union]
    return [SliceSet(one) for one in sets], found


@lru_cache(maxsize=65_536)
def _with_all(slices: frozenset[str]) -> frozenset[str]:
    """Return slices with that of every request; the same combinations come tick after tick."""
    return slices | {ALL}
