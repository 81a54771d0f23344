"""The evidence of one stream over time: which stream, its chart, and the same numbers as a table. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from markupsafe import Markup

from monitor.errors import NotFoundError
from monitor.models.evidence import Stream
from monitor.models.tick import nothing_counted, table_of
from monitor.services.count_history import Counted
from monitor.ui.chart import Chart, Marker, percent, render
from monitor.ui.pages import StreamLine, behind, stream_line, unit_of
from monitor.ui.reads import RouteFacts
from monitor.ui.series import Point, points_of
from monitor.ui.wording import duration

__all__ = ["ChartView", "Row", "chart_view", "choose", "markers_of"]

_SHORTEST = timedelta(minutes=2)
_LEAD = 0.04
_A_DAY = timedelta(days=1)
_FIRST_CHOICE = ("schema_validity", "all")


@dataclass(frozen=True, slots=True)
class Row:
    """One point of the chart as a row of its table."""

    at: str
    n: int
    candidate_bad: int
    candidate_rate: str
    baseline_bad: int
    baseline_rate: str
    one_sided: int


@dataclass(frozen=True, slots=True)
class ChartView:
    """A chart with its caption and its table."""

    stream: StreamLine
    svg: Markup | None
    caption: str
    rows: list[Row]
    unit: str


def choose(facts: RouteFacts, stream_id: int | None) -> Stream | None:
    """Return the stream asked for, else the open incident's, else schema validity over all, else any.

    Raises:
        NotFoundError: the route has no stream of that id.
    """
    known = {stream.id: stream for stream in facts.streams}
    if stream_id is not None:
        if stream_id not in known:
            raise NotFoundError(f"route {facts.route.name!r} has no stream {stream_id}; choose one from its tables")
        return known[stream_id]
    if facts.incident is not None and facts.incident.closed_at is None and facts.incident.stream_id in known:
        return known[facts.incident.stream_id]
    tested = [stream for stream in facts.streams if not facts.is_aa(stream)]
    first = next((one for one in tested if (one.signal, one.slice) == _FIRST_CHOICE), None)
    return first or next(iter([*tested, *facts.streams]), None)


def markers_of(facts: RouteFacts) -> list[Marker]:
    """Return what happened in the incident: onset, alarm, and every flip applied and verified."""
    if facts.incident is None:
        return []
    markers = [Marker(facts.incident.onset_at, "onset"), Marker(facts.incident.opened_at, "alarm")]
    what = "flip"
    for audit in facts.timeline:
        if audit.action in {"flip", "restore"}:
            what = "flip" if audit.action == "flip" else "undo"
        elif audit.action == "applied":
            markers.append(Marker(audit.at, f"{what} applied"))
        elif audit.action == "verified_by_traffic":
            markers.append(Marker(audit.at, f"{what} verified" if what == "undo" else "verified"))
    return [Marker(marker.at.astimezone(UTC), marker.label) for marker in markers]


def chart_view(
    facts: RouteFacts,
    stream: Stream,
    counted: Counted,
    now: datetime,
    window: timedelta,
    names: Mapping[int, str],
    *,
    whole_window: bool,
) -> ChartView:
    """Return the chart of what a stream counted.

    Unless the whole window is asked for, the time axis begins shortly before the first data in it.
    """
    line, unit = stream_line(stream, names, behind(facts.clock, now)), unit_of(stream.signal)
    now = now.astimezone(UTC)
    start = now - window
    buckets = [one for one in counted.buckets if table_of(stream.signal, one.complete[0]).n]
    if buckets and not whole_window:
        span = max(now - buckets[0].started_at, _SHORTEST)
        start = max(start, now - span * (1 + _LEAD))
    points = points_of(stream.signal, buckets, counted.width, now - start)
    markers = markers_of(facts)
    if not points:
        return ChartView(
            line, None, f"{line.title} / {line.slice}: no {line.counted[:-1]} in the last {duration(window)}.", [], unit
        )
    baseline = "none" if facts.baseline is None else facts.baseline.name
    svg = render(Chart(points, markers, start, now, unit, line.counted, line.candidate, baseline))
    caption = _caption(line, baseline, points, start, now, unit) + _unseen(markers, start)
    return ChartView(line, svg, caption, [_row(point) for point in points], unit)


def _caption(
    line: StreamLine, baseline: str, points: Sequence[Point], start: datetime, end: datetime, unit: str
) -> str:
    total = sum((point.counts for point in points), nothing_counted(line.signal))
    return (
        f"{line.title} / {line.slice}, share of {unit}, {start:%Y-%m-%d %H:%M} to {_until(start, end)} UTC: "
        f"candidate {line.candidate} {percent(total.candidate_bad / total.candidate_n)}, "
        f"baseline {baseline} {percent(total.baseline_bad / total.baseline_n)} of {total.n} {line.counted}; "
        f"a point holds {points[0].width.total_seconds():g} s."
    )


def _until(start: datetime, end: datetime) -> str:
    return f"{end:%H:%M}" if end - start <= _A_DAY else f"{end:%Y-%m-%d %H:%M}"


def _unseen(markers: Sequence[Marker], start: datetime) -> str:
    before = [f"{marker.label} ({marker.at:%Y-%m-%d %H:%M:%S})" for marker in markers if marker.at < start]
    return f" Before this window: {', '.join(before)}." if before else ""


def _row(point: Point) -> Row:
    return Row(
        at=f"{point.start:%Y-%m-%d %H:%M:%S}",
        n=point.counts.n,
        candidate_bad=point.counts.candidate_bad,
        candidate_rate=percent(point.candidate_rate),
        baseline_bad=point.counts.baseline_bad,
        baseline_rate=percent(point.baseline_rate),
        one_sided=point.one_sided,
    )
