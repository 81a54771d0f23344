"""The story of a replay as people read it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

__all__ = ["lines_of"]

_MOST_UNDECIDED = 6
_MOST_TIMELINE = 40


def lines_of(story: Mapping[str, Any]) -> list[str]:
    """Return the story as lines: accounts, then each route's timeline and verdicts."""
    return list(_lines(story))


def _lines(story: Mapping[str, Any]) -> Iterator[str]:
    records, ticks, span = story["records"], story["ticks"], story["span"]
    yield f"Policy    {story['policy']}"
    yield f"Span      {_short(span['from'])} to {_short(span['to'])} UTC; {ticks['closed']:,} ticks closed" + (
        f", {ticks['passed_over']:,} empty ones passed over" if ticks["passed_over"] else ""
    )
    yield (
        f"Records   {records['read']:,} read, {records['stored']:,} stored, {records['duplicates']:,} duplicates, "
        f"{records['rejected']:,} rejected, {records['passed_over']:,} passed over"
    )
    for note in story["notes"]:
        yield f"Note      {note}"
    yield from _problems(story["problems"])
    for route in story["routes"]:
        yield ""
        yield from _route(route)
    if story["findings"]:
        yield ""
        yield "Findings"
        for finding in story["findings"]:
            yield f"  {_short(finding['at'])}  {finding['kind']}  {finding['subject']}: {finding['detail']}"
    yield ""
    yield _result(story)


def _result(story: Mapping[str, Any]) -> str:
    alarms, rollbacks = story["alarms"], story["rollbacks"]
    if not alarms:
        return "Result    no alarm: nothing would have been moved"
    counted = f"{alarms} alarm{'s' if alarms > 1 else ''}"
    return f"Result    {counted}, {rollbacks} decision{'s' if rollbacks != 1 else ''} to roll back"


def _problems(problems: Mapping[str, Any]) -> Iterator[str]:
    if not problems["by_code"]:
        return
    counted = ", ".join(f"{code} {n:,}" for code, n in problems["by_code"].items())
    yield f"Problems  {counted}"
    for one in problems["shown"]:
        yield f"  {one['file']}, line {one['line']}: {one['code']}: {one['detail']}"


def _route(route: Mapping[str, Any]) -> Iterator[str]:
    yield f"Route {route['route']}  baseline {route['baseline']}, mode {route['mode']}, at the end {route['phase']}"
    if route["timeline"]:
        yield "  Timeline"
        for entry in route["timeline"][:_MOST_TIMELINE]:
            yield f"    {_short(entry['at'])}  {entry['what']:<20} {entry['text']}"
        if len(route["timeline"]) > _MOST_TIMELINE:
            yield f"    … and {len(route['timeline']) - _MOST_TIMELINE} more (--json has all)"
    rows = [row for row in route["verdicts"] if not row["a_a"]]
    told = [row for row in rows if row["verdict"] in {"harm", "safe"}]
    others = [row for row in rows if row["verdict"] == "undecided"]
    silent = [row for row in rows if row["verdict"] == "inconclusive"]
    yield "  Verdicts at the end"
    for row in told + sorted(others, key=lambda row: -row["pairs"])[: max(0, _MOST_UNDECIDED - len(told))]:
        yield f"    {_stream(row):<34} {row['verdict']:<12} {row['reason']}"
    left = len(others) - max(0, min(len(others), _MOST_UNDECIDED - len(told)))
    if left:
        yield f"    {left} more undecided: no harm found (--json has all)"
    reasons: dict[str, int] = {}
    for row in silent:
        reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
    for reason, n in sorted(reasons.items(), key=lambda item: -item[1]):
        yield f"    {n} inconclusive: {reason}"


def _stream(row: Mapping[str, Any]) -> str:
    return f"{row['candidate']} {row['signal']}" + ("" if row["slice"] == "all" else f" ({row['slice']})")


def _short(stamp: str) -> str:
    return f"{datetime.fromisoformat(stamp):%Y-%m-%d %H:%M:%S}"
