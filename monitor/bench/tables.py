"""Figures for people and scripts: quantiles, medians, tables."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["medians", "options_line", "quantile", "table"]


def quantile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed.

    >>> quantile([3.0, 1.0, 2.0, 4.0], 0.5)
    2.0
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def medians(columns: Mapping[str, Iterable[float]]) -> dict[str, float]:
    """Return the median of every column."""
    return {name: round(statistics.median(values), 4) for name, values in columns.items()}


def options_line(document: Mapping[str, Any]) -> str:
    """Return the options of a run on one line."""
    return "  ".join(f"{name} {value}" for name, value in document["options"].items())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table.

    >>> table(["a", "b"], [["1", "2"]])
    ['| a | b |', '|---|---|', '| 1 | 2 |']
    """
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(row)} |" for row in rows)]
