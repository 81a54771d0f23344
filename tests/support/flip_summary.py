"""What the flip matrix found, counted: for each fault and in all, and as the table that the documentation prints."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from tests.support.flip_run import Outcome

__all__ = ["markdown", "summary"]

_COLUMNS: Final = {
    "cells": "cells",
    "cannot_exist": "cannot exist",
    "stale_writes": "stale writes taken",
    "refused_stale": "refused",
    "pages": "pages",
    "most_moves": "most moves of a cell",
    "wrong": "wrong",
}


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Count what the matrix found, in all and for each fault."""
    ran = [one for one in outcomes if one.exists]
    return {
        **_counted(outcomes),
        "why_not": dict(Counter(one.end for one in outcomes if not one.exists)),
        "ends": dict(Counter(one.end for one in ran)),
        "writes": sum(one.writes for one in ran),
        "moves": sum(one.moves for one in ran),
        "faults": {
            fault: _counted([one for one in outcomes if one.fault == fault])
            for fault in dict.fromkeys(one.fault for one in outcomes)
        },
    }


def markdown(found: Iterable[tuple[str, dict[str, Any]]]) -> str:
    """Return a table of one line for each router and fault, from routers and their summaries."""
    rows = [["router", "fault", *_COLUMNS.values()], ["---"] * (2 + len(_COLUMNS))]
    rows += [
        [target, fault, *(str(counted[column]) for column in _COLUMNS)]
        for target, whole in found
        for fault, counted in whole["faults"].items()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _counted(outcomes: Sequence[Outcome]) -> dict[str, int]:
    ran = [one for one in outcomes if one.exists]
    return {
        "cells": len(ran),
        "cannot_exist": len(outcomes) - len(ran),
        "stale_writes": sum(one.stale for one in ran),
        "refused_stale": sum(one.refused for one in ran),
        "pages": sum(one.pages for one in ran),
        "most_moves": max((one.moves for one in ran), default=0),
        "wrong": sum(bool(one.wrong) for one in outcomes),
    }
