"""Reading single numbers off a Prometheus text page that may be anything. Pure."""

import math
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["PageError", "series"]

_LONGEST_LINE = 16 * 1024
_MOST_SERIES = 4096


class PageError(ValueError):
    """The page does not show the number that is looked for, or not in a way that can be relied on."""


def series(page: bytes, metric: str, labels: Mapping[str, str]) -> list[float]:
    """Return the values of every series of that metric whose labels include these, in the page's order.

    Only lines of that metric are parsed: the rest of the page costs nothing and may hold what it likes.

    Args:
        page: the text, UTF-8.
        metric: the name as the page's samples have it, with ``_total`` where they have that.
        labels: what the series must be labelled with; it may have more labels.

    Returns:
        Finite numbers from 0 up; empty when there is no such series.

    Raises:
        PageError: the page is no text, a line of the metric cannot be parsed, a series is there twice, or a value is
            negative, infinite or no number.
    """
    lines = _lines(page, metric)
    try:
        samples = [sample for family in text_string_to_metric_families(lines) for sample in family.samples]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise PageError(f"{metric} cannot be parsed") from None
    found = [sample for sample in samples if sample.name == metric]
    if len({frozenset(sample.labels.items()) for sample in found}) < len(found):
        raise PageError(f"{metric} is there twice with the same labels")
    values = [sample.value for sample in found if labels.items() <= sample.labels.items()]
    wrong = [value for value in values if not (math.isfinite(value) and value >= 0)]
    if wrong:
        raise PageError(f"{metric} is {wrong[0]:g}")
    return values


def _lines(page: bytes, metric: str) -> str:
    try:
        text = page.decode("utf-8")
    except UnicodeDecodeError:
        raise PageError("the page is no text") from None
    lines = [line for line in text.split("\n") if line.startswith((f"{metric}{{", f"{metric} ", f"{metric}\t"))]
    if len(lines) > _MOST_SERIES or any(len(line) > _LONGEST_LINE for line in lines):
        raise PageError(f"{metric} has over {_MOST_SERIES} series or a line over {_LONGEST_LINE} characters")
    return "".join(f"{line}\n" for line in lines)
