"""The sections that set the detector beside its rivals: false alarms and delays on the same streams."""

from collections.abc import Callable, Mapping

from detectors.calibration import tails
from detectors.calibration.chapters import label
from detectors.calibration.delays import EFFECTS, TAIL_EFFECTS, Effect, TailEffect
from detectors.calibration.report import Row, Section
from detectors.calibration.scale import Run
from detectors.calibration.side_by_side import OURS, Race, bits, tail
from detectors.calibration.traffic import PAIRS
from detectors.types import Margin

__all__ = ["RACES"]

_HALF = Margin(absolute=0.005)
_BIT_TRUTHS = {
    "equal arms 1 %, m 0.5 pt": (Effect(0.01, 0.01, _HALF), False),
    "at the margin, 1 % and 1.5 %, m 0.5 pt": (Effect(0.01, 0.015, _HALF), False),
    "drift of both arms, at the margin, m 0.5 pt": (Effect(0.01, 0.015, _HALF), True),
}
_TAIL_TRUTHS = (
    TailEffect("equal arms, load drift, r 15 %", tails.EQUAL, 0.15),
    TailEffect("candidate 5 % slower (tolerated), r 15 %", tails.slower(1.05), 0.15),
    TailEffect("candidate 15 % slower (at the margin), r 15 %", tails.slower(1.15), 0.15),
)


def _shares(title: str, found: Race, names: Mapping[str, str]) -> Row:
    return Row(title, {name: found.share(name) for name in names})


def _medians(title: str, found: Race) -> Row:
    return Row(title, {name: found.median(name) * PAIRS for name in found.first})


def _bits(run: Run) -> Section:
    rows = []
    columns = dict.fromkeys((OURS, "threshold", "z", "fisher", "confseq"), "{:.1%}")
    for title, (effect, drifts) in _BIT_TRUTHS.items():
        run.say(f"rivals, {title}")
        found = bits(
            run.rng(f"rivals {title}"),
            effect,
            runs=run.scale.races,
            ticks=run.scale.race_ticks,
            drifts=drifts,
            changed=False,
        )
        rows.append(_shares(title, found, columns))
    title = f"Bits: share of streams with a false alarm in {run.scale.race_ticks * PAIRS:,} pairs"
    return Section("rivals", title, columns, rows)


def _bit_delays(run: Run) -> Section:
    rows = []
    for effect in EFFECTS[run.scale.effects]:
        title = label(effect)
        run.say(f"rivals, {title}")
        rng, runs = run.rng(f"rivals {title}"), run.scale.races // 2
        limit = Effect(effect.baseline, effect.baseline + effect.margin.absolute, effect.margin)
        tuned = bits(rng, limit, runs=run.scale.races, ticks=run.scale.race_ticks, changed=False).tuned()
        rows.append(_medians(title, bits(rng, effect, runs=runs, ticks=run.scale.longest, tuned=tuned)))
    methods = ("threshold", "z", "fisher")
    columns = dict.fromkeys((OURS, *methods, "confseq", *(f"{each}, tuned" for each in methods)), "{:,.0f}")
    return Section(
        "rival-delays", "Bits: median pairs to the alarm; tuned in hindsight to 5 % on this very margin", columns, rows
    )


def _tails(run: Run) -> Section:
    rows = []
    columns = dict.fromkeys((OURS, "ks", "mann-whitney", "p99", "canary"), "{:.1%}")
    for truth in _TAIL_TRUTHS:
        run.say(f"rivals, {truth.title}")
        found = tail(
            run.rng(f"rivals {truth.title}"),
            truth,
            runs=run.scale.tail_races,
            ticks=run.scale.tail_race_ticks,
            changed=False,
        )
        rows.append(_shares(truth.title, found, columns))
    title = f"Latency: share of streams with a false alarm in {run.scale.tail_race_ticks * PAIRS:,} pairs"
    return Section("latency-rivals", title, columns, rows)


def _tail_delays(run: Run) -> Section:
    rows = []
    for effect in TAIL_EFFECTS[run.scale.effects]:
        run.say(f"rivals, {effect.title}")
        rng, runs = run.rng(f"rivals {effect.title}"), run.scale.tail_races
        equal = TailEffect(effect.title, tails.EQUAL, effect.relative)
        tuned = tail(rng, equal, runs=runs, ticks=run.scale.tail_race_ticks // 2, changed=False).tuned()
        rows.append(_medians(effect.title, tail(rng, effect, runs=runs // 2, ticks=run.scale.longest, tuned=tuned)))
    methods = ("ks", "mann-whitney", "p99")
    columns = dict.fromkeys((OURS, *methods, "canary", *(f"{each}, tuned" for each in methods)), "{:,.0f}")
    return Section(
        "latency-rival-delays",
        "Latency: median pairs to the alarm; tuned in hindsight to 5 % while the arms are equal",
        columns,
        rows,
    )


RACES: Mapping[str, Callable[[Run], Section]] = {
    "rivals": _bits,
    "rival-delays": _bit_delays,
    "latency-rivals": _tails,
    "latency-rival-delays": _tail_delays,
}
"""By name, in the order they are run."""
