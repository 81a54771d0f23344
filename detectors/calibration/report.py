"""What a calibration run found: sections of rows, as tables for people or plain types for scripts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Any

__all__ = ["Row", "Section", "Standing", "standing"]


class Standing(StrEnum):
    """What the simulation says of a promise."""

    PROVED = "proved"
    """The figure's bounds lie within it."""
    OPEN = "open"
    """They reach beyond it: too few streams to tell."""
    BROKEN = "broken"
    """They lie outside it."""


def standing(low: float, high: float, *, least: float = float("-inf"), most: float = float("inf")) -> Standing:
    """Return the standing of a figure with bounds ``low`` and ``high`` promised to lie in ``least`` .. ``most``.

    >>> standing(0.02, 0.04, most=0.05), standing(0.04, 0.06, most=0.05), standing(0.06, 0.08, most=0.05)
    (<Standing.PROVED: 'proved'>, <Standing.OPEN: 'open'>, <Standing.BROKEN: 'broken'>)
    """
    if least <= low and high <= most:
        return Standing.PROVED
    return Standing.BROKEN if low > most or high < least else Standing.OPEN


@dataclass(frozen=True, slots=True)
class Row:
    """One figure or several of one truth, effect or method."""

    title: str
    figures: Mapping[str, float | None]
    """By column; None where it does not apply, ``inf`` for never."""
    standing: Standing | None = None
    """None where nothing is promised."""


@dataclass(frozen=True, slots=True)
class Section:
    """One table."""

    name: str
    title: str
    columns: Mapping[str, str]
    """Name of each figure and the format it is shown in (``str.format``)."""
    rows: Sequence[Row]

    def document(self) -> dict[str, Any]:
        """Return plain JSON types; what never happened is None."""
        rows = [
            {
                "title": row.title,
                **{name: _plain(row.figures.get(name)) for name in self.columns},
                "standing": None if row.standing is None else row.standing.value,
            }
            for row in self.rows
        ]
        return {"name": self.name, "title": self.title, "rows": rows}

    def lines(self) -> list[str]:
        """Return the table in Markdown."""
        judged = any(row.standing is not None for row in self.rows)
        head = ["", *self.columns, *(["promise"] if judged else [])]
        body = [
            [
                row.title,
                *(_shown(row.figures.get(name), form) for name, form in self.columns.items()),
                *([("" if row.standing is None else row.standing.value)] if judged else []),
            ]
            for row in self.rows
        ]
        rule = ["---", *["---:"] * len(self.columns), *(["---"] if judged else [])]
        return [f"### {self.title}", "", *("| " + " | ".join(cells) + " |" for cells in (head, rule, *body)), ""]


def _plain(value: float | None) -> float | None:
    return value if value is not None and isfinite(value) else None


def _shown(value: float | None, form: str) -> str:
    if value is None:
        return ""
    return form.format(value) if isfinite(value) else "never"
