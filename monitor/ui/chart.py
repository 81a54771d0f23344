"""The evidence chart: candidate against baseline over time, as SVG without scripts or inline styles. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil, floor, log10

from markupsafe import Markup

from detectors.stats.intervals import rate_interval
from monitor.ui.series import Point

__all__ = ["Chart", "Marker", "percent", "render"]

_WIDTH, _HEIGHT = 760, 388
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 708, 82, 278
_VOLUME_TOP, _VOLUME_BOTTOM = 308, 344
_LABEL_STEP = 15
_LABEL_ROWS = 4
_LABEL_ROOM = 120
_STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200)
_STEPS_DAYS = (1, 2, 7, 30, 61)
_MOST_TIME_LABELS = 7
_LOWEST_TOP = 0.01
_TOPS = (1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10)
_HEADROOM = 1.35
"""Leaves most of the interval bands inside the plot."""
_MINUTE_S, _DAY_S = 60, 86400


@dataclass(frozen=True, slots=True)
class Marker:
    """Something that happened at an instant."""

    at: datetime
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn, from ``start`` to ``end``."""

    points: Sequence[Point]
    markers: Sequence[Marker]
    start: datetime
    end: datetime
    unit: str
    """What the rates are shares of."""
    counted: str
    """What is counted: pairs, or sessions."""
    candidate: str
    baseline: str


@dataclass(frozen=True, slots=True)
class _Arm:
    name: str
    css: str
    rate: Callable[[Point], float | None]
    bad: Callable[[Point], int]
    n: Callable[[Point], int]


_CANDIDATE = _Arm(
    "candidate",
    "candidate",
    lambda p: p.candidate_rate,
    lambda p: p.counts.candidate_bad,
    lambda p: p.counts.candidate_n,
)
_BASELINE = _Arm(
    "baseline", "baseline", lambda p: p.baseline_rate, lambda p: p.counts.baseline_bad, lambda p: p.counts.baseline_n
)


@dataclass(frozen=True, slots=True)
class _Scale:
    start: datetime
    end: datetime
    top: float
    most: int

    def x(self, at: datetime) -> float:
        return _LEFT + (_RIGHT - _LEFT) * ((at - self.start) / (self.end - self.start))

    def y(self, rate: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * min(rate / self.top, 1.0)


def percent(share: float | None) -> str:
    """Return a share as a percentage of three digits, with its unit."""
    if share is None:
        return "–"
    value = 100 * share
    return f"{value:.2f} %" if value < 10 else f"{value:.1f} %"  # noqa: PLR2004


def render(chart: Chart) -> Markup:
    """Return the chart as an ``<svg>`` element; everything it says is in the table beside it, too."""
    rates = [rate for p in chart.points for rate in (p.candidate_rate, p.baseline_rate) if rate is not None]
    scale = _Scale(
        chart.start,
        max(chart.end, chart.start + timedelta(seconds=1)),
        _round_up(max(_HEADROOM * max(rates, default=0.0), _LOWEST_TOP)),
        max((p.counts.n for p in chart.points), default=1),
    )
    parts = [
        *_grid(scale, chart.unit),
        *_volume(chart, scale),
        *_markers(chart.markers, scale),
        *_arm(chart.points, _BASELINE, scale),
        *_arm(chart.points, _CANDIDATE, scale),
        *_legend(chart),
    ]
    return Markup(
        '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-labelledby="chart-caption" '
        'xmlns="http://www.w3.org/2000/svg">\n{}\n</svg>'
    ).format(_WIDTH, _HEIGHT, Markup("\n").join(parts))


def _round_up(top: float) -> float:
    """Return the next top, at most 1, whose quarters are short numbers."""
    power = 10.0 ** floor(log10(top))
    return min(1.0, next(step * power for step in _TOPS if step * power >= top * 1.0001 or step == 10))  # noqa: PLR2004


def _grid(scale: _Scale, unit: str) -> Iterable[Markup]:
    for quarter in range(5):
        rate = scale.top * quarter / 4
        yield Markup('<line class="grid" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"/>').format(
            _LEFT, _RIGHT, y=scale.y(rate)
        )
        yield _text(_LEFT - 8, scale.y(rate) + 4, f"{100 * rate:.4g}", "end")
        yield _text(_RIGHT + 8, scale.y(rate) + 4, f"{100 * rate:.4g}", "start")
    for at, label in _time_labels(scale.start, scale.end):
        x = scale.x(at)
        yield Markup('<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{}" y2="{}"/>').format(_BOTTOM, _BOTTOM + 5, x=x)
        yield _text(x, _BOTTOM + 18, label, "middle")
    yield _text(_LEFT - 50, 14, f"% of {unit}", "start")
    yield _text(_RIGHT, _HEIGHT - 26, "time, UTC", "end")


def _time_labels(start: datetime, end: datetime) -> Iterable[tuple[datetime, str]]:
    length = (end - start).total_seconds()
    steps = [*_STEPS_S, *(_DAY_S * days for days in _STEPS_DAYS)]
    step = next((s for s in steps if length / s <= _MOST_TIME_LABELS), steps[-1])
    for number in range(ceil(start.timestamp() / step), floor(end.timestamp() / step) + 1):
        at = datetime.fromtimestamp(number * step, UTC)
        yield at, at.strftime("%H:%M:%S" if step < _MINUTE_S else "%H:%M" if step < _DAY_S else "%m-%d")


def _volume(chart: Chart, scale: _Scale) -> Iterable[Markup]:
    """Bars of how many pairs or sessions each point rests on."""
    room = _VOLUME_BOTTOM - _VOLUME_TOP
    yield Markup('<line class="grid" x1="{}" x2="{}" y1="{y}" y2="{y}"/>').format(_LEFT, _RIGHT, y=_VOLUME_BOTTOM)
    yield _text(_LEFT - 8, _VOLUME_BOTTOM + 4, "0", "end")
    yield _text(_LEFT - 8, _VOLUME_TOP + 6, str(scale.most), "end")
    yield _text(_LEFT, _HEIGHT - 26, f"{chart.counted} per point", "start")
    for point in chart.points:
        left, right = max(scale.x(point.start), _LEFT), min(scale.x(point.start + point.width), _RIGHT)
        height = room * point.counts.n / scale.most
        yield Markup(
            '<rect class="volume" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
        ).format(
            left,
            _VOLUME_BOTTOM - height,
            max(right - left - 1, 1),
            height,
            f"{_clock(point)} {point.counts.n} {chart.counted}",
        )


def _markers(markers: Sequence[Marker], scale: _Scale) -> Iterable[Markup]:
    """Vertical lines with their words, each row of words a step lower so that near ones do not collide."""
    shown = [marker for marker in sorted(markers, key=lambda m: m.at) if scale.start <= marker.at <= scale.end]
    for row, marker in enumerate(shown):
        x = scale.x(marker.at)
        y = 28 + _LABEL_STEP * (row % _LABEL_ROWS)
        left = x > _RIGHT - _LABEL_ROOM
        yield Markup('<line class="marker" x1="{x:.1f}" x2="{x:.1f}" y1="{}" y2="{}"/>').format(
            y - 9, _VOLUME_BOTTOM, x=x
        )
        yield _text(
            x - 4 if left else x + 4, y, f"{marker.label} {marker.at:%H:%M:%S}", "end" if left else "start", "mark"
        )


def _arm(points: Sequence[Point], arm: _Arm, scale: _Scale) -> Iterable[Markup]:
    """One variant: 95 % band, line, and a dot per point; lines stop at gaps."""
    for run in _runs(points):
        bounds = [rate_interval(arm.bad(p), arm.n(p)) for p in run]
        xs = [_inside(scale, p) for p in run]
        upper = [f"{x:.1f},{scale.y(b.high):.1f}" for x, b in zip(xs, bounds, strict=True)]
        lower = [f"{x:.1f},{scale.y(b.low):.1f}" for x, b in zip(xs, bounds, strict=True)]
        line = [f"{x:.1f},{scale.y(arm.rate(p) or 0.0):.1f}" for x, p in zip(xs, run, strict=True)]
        yield Markup('<polygon class="band {}" points="{}"/>').format(arm.css, " ".join([*upper, *reversed(lower)]))
        yield Markup('<polyline class="line {}" points="{}"/>').format(arm.css, " ".join(line))
    for point in points:
        yield _dot(arm, _inside(scale, point), scale.y(arm.rate(point) or 0.0), _told(arm, point))


def _inside(scale: _Scale, point: Point) -> float:
    return min(max(scale.x(point.middle), _LEFT), _RIGHT)


def _told(arm: _Arm, point: Point) -> str:
    return f"{_clock(point)} {arm.name} {percent(arm.rate(point))}, {arm.bad(point)} of {arm.n(point)}"


def _clock(point: Point) -> str:
    return point.start.strftime("%H:%M:%S")


def _dot(arm: _Arm, x: float, y: float, told: str | None = None) -> Markup:
    """A round dot for the candidate, a square one for the baseline: not told apart by colour alone."""
    title = Markup("<title>{}</title>").format(told) if told else ""
    if arm is _CANDIDATE:
        return Markup('<circle class="dot candidate" cx="{:.1f}" cy="{:.1f}" r="2.6">{}</circle>').format(x, y, title)
    return Markup('<rect class="dot baseline" x="{:.1f}" y="{:.1f}" width="4.4" height="4.4">{}</rect>').format(
        x - 2.2, y - 2.2, title
    )


def _runs(points: Sequence[Point]) -> Iterable[list[Point]]:
    """Split points where one or more between them are missing."""
    run: list[Point] = []
    for point in points:
        if run and point.start - run[-1].start > point.width * 1.5:
            yield run
            run = []
        run.append(point)
    if run:
        yield run


def _legend(chart: Chart) -> Iterable[Markup]:
    y = _HEIGHT - 6
    for x, arm, name in ((_LEFT, _CANDIDATE, chart.candidate), (_LEFT + 300, _BASELINE, chart.baseline)):
        yield Markup('<line class="line {}" x1="{}" x2="{}" y1="{y}" y2="{y}"/>').format(arm.css, x, x + 28, y=y - 4)
        yield _dot(arm, x + 14, y - 4)
        shown = name if len(name) <= 28 else f"{name[:27]}…"  # noqa: PLR2004
        yield _text(x + 34, y, f"{arm.name} {shown}", "start")
    yield _text(_RIGHT, y, "shaded: 95 % interval", "end")


def _text(x: float, y: float, words: str, anchor: str, css: str = "tick") -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(css, x, y, anchor, words)
