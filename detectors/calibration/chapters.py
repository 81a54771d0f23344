"""The sections of a calibration: each simulates, and says how its figures stand to the promises."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf, isfinite

from detectors.calibration.bounds import Share
from detectors.calibration.certificates import confirmation_coverage, falsely_safe
from detectors.calibration.delays import (
    EFFECTS,
    TAIL_EFFECTS,
    UNPAIRED_EFFECTS,
    Effect,
    TailEffect,
    delay,
    level_optima,
    optimum,
    tail_delay,
    tail_delay_of_events,
)
from detectors.calibration.false_alarms import false_alarms
from detectors.calibration.losses import LOSSES, delay_with_losses
from detectors.calibration.report import Row, Section, Standing, standing
from detectors.calibration.scale import Run
from detectors.calibration.traffic import PAIRS
from detectors.calibration.truths import TRUTHS
from detectors.types import Margin

__all__ = ["CHAPTERS", "label"]

DELAY_RATIO = 1.25
LEVELS_RATIO = 1.35
COVERAGE = (0.93, 0.97)
_SAFE_ALPHA = 0.01
_SHIPPED_CAP = 3.0
_MORE_AT_ONCE = 5
"""Shorter runs are cheaper, and this bound is nearly reached."""
_UNPAIRED_RUNS = 2
"""Times the others' runs: these changes are found soon, and one ratio comes close to its promise."""
_FEWER_ALARMS = 1e9
"""A threshold as of a stream with a small share of a fleet's budget."""


def _false_alarms(run: Run) -> Section:
    rows = []
    for name, truth in TRUTHS.items():
        streams = truth.times * run.scale.streams
        found = false_alarms(run.rng(name), truth, streams=streams, ticks=run.scale.ticks, say=run.say)
        figures = {
            "streams": found.share.of,
            "alarmed": found.share.value,
            "low": found.share.low,
            "high": found.share.high,
            "alarms a stream": found.mean,
            "promised": found.limit if truth.promised else None,
            "phi": found.phi,
        }
        stands = standing(found.share.low, found.share.high, most=found.limit) if truth.promised else None
        rows.append(Row(truth.title, figures, stands))
    columns = {
        "streams": "{:.0f}",
        "alarmed": "{:.2%}",
        "low": "{:.2%}",
        "high": "{:.2%}",
        "alarms a stream": "{:.4f}",
        "promised": "{:.1%}",
        "phi": "{:.1f}",
    }
    pairs = run.scale.ticks * PAIRS
    return Section("false-alarms", f"False alarms in {pairs:,} pairs, looked at every tick", columns, rows)


def label(effect: Effect) -> str:
    """Return an effect in words: its rates, its margin and, of two samples, their sizes."""
    sizes = "" if effect.sizes is None else f", {effect.sizes[0]}:{effect.sizes[1]}"
    rates = f"{100 * effect.baseline:.3g} → {100 * effect.candidate:.3g} %"
    return f"{rates}, m {100 * effect.margin.absolute:.3g} pt{sizes}"


def _delays(run: Run) -> Section:
    rows = []
    for effect in EFFECTS[run.scale.effects]:
        title = label(effect)
        run.say(f"delay {title}")
        best, rng, runs, clean = optimum(effect), run.rng(title), run.scale.runs, run.scale.clean
        # The same streams with and without: what differs is what phi does.
        capped, learned = (
            delay(run.rng(f"{title}, capped"), effect, runs=runs, clean=clean, cap=_SHIPPED_CAP, learns=learns)
            for learns in (False, True)
        )
        fresh = delay(rng, effect, runs=runs)
        after = delay(rng, effect, runs=runs, clean=clean)
        worst = max((fresh, after), key=lambda each: each.mean)
        error = 2.0 * worst.error / best
        figures = {
            "optimum, pairs": best * PAIRS,
            "fresh": fresh.mean / best,
            "after clean": after.mean / best,
            "±": error,
            "cap 3": delay(rng, effect, runs=runs, cap=_SHIPPED_CAP).mean / best,
            "cap 3, learned phi": learned.mean / best,
            "phi costs": learned.mean / capped.mean,
            "A 1e9": delay(rng, effect, runs=runs, threshold=_FEWER_ALARMS).mean / optimum(effect, _FEWER_ALARMS),
        }
        ratio = worst.mean / best
        rows.append(Row(title, figures, standing(ratio - error, ratio + error, most=DELAY_RATIO)))
    columns = {"optimum, pairs": "{:,.0f}"} | dict.fromkeys(
        ("fresh", "after clean", "±", "cap 3", "cap 3, learned phi", "phi costs", "A 1e9"), "{:.3f}"
    )
    title = f"Delay as a ratio to the optimum, fresh and after {run.scale.clean:,} clean ticks"
    return Section("delay", title, columns, rows)


def _unpaired_delays(run: Run) -> Section:
    rows = []
    for effect in UNPAIRED_EFFECTS[run.scale.effects]:
        title = label(effect)
        run.say(f"delay {title}")
        best, rng, runs = optimum(effect), run.rng(title), _UNPAIRED_RUNS * run.scale.runs
        fresh = delay(rng, effect, runs=runs)
        after = delay(rng, effect, runs=runs, clean=run.scale.clean // 10)
        worst = max((fresh, after), key=lambda each: each.mean)
        error, ratio = 2.0 * worst.error / best, worst.mean / best
        figures = {
            "optimum, ticks": best,
            "fresh": fresh.mean / best,
            "after clean": after.mean / best,
            "±": error,
            "cap 3": delay(rng, effect, runs=runs, cap=_SHIPPED_CAP).mean / best,
        }
        rows.append(Row(title, figures, standing(ratio - error, ratio + error, most=DELAY_RATIO)))
    columns = {"optimum, ticks": "{:.1f}"} | dict.fromkeys(("fresh", "after clean", "±", "cap 3"), "{:.3f}")
    title = f"Delay of two samples, fresh and after {run.scale.clean // 10:,} clean ticks"
    return Section("unpaired-delay", title, columns, rows)


def _tail_row(run: Run, effect: TailEffect) -> Row:
    run.say(f"latency {effect.title}")
    rng, runs = run.rng(effect.title), run.scale.runs // 2
    optima = level_optima(effect)
    best = min(optima)
    mixed = tail_delay(rng, effect, runs=runs, levels=(0, 1, 2))
    single = min(
        tail_delay(rng, effect, runs=runs, levels=(level,)).mean for level, each in enumerate(optima) if isfinite(each)
    )
    shipped = tail_delay_of_events(rng, effect, runs=min(runs, 500))
    ratio, error = mixed.mean / best, 2.0 * mixed.error / best
    figures = {
        "optimum of the best level, pairs": best * PAIRS,
        "mixture to it": ratio,
        "±": error,
        "mixture to our best single level": mixed.mean / single,
        "phi 3": tail_delay(rng, effect, runs=runs, levels=(0, 1, 2), phi=3.0).mean / best,
        "events, as shipped, pairs": shipped.mean * PAIRS,
    }
    return Row(effect.title, figures, standing(ratio - error, ratio + error, most=LEVELS_RATIO))


def _tail_delays(run: Run) -> Section:
    columns = {
        "optimum of the best level, pairs": "{:,.0f}",
        "mixture to it": "{:.3f}",
        "±": "{:.3f}",
        "mixture to our best single level": "{:.3f}",
        "phi 3": "{:.2f}",
        "events, as shipped, pairs": "{:,.0f}",
    }
    rows = [_tail_row(run, effect) for effect in TAIL_EFFECTS[run.scale.effects]]
    return Section("latency-delay", "Delay of the latency mixture (90, 95, 99 %), ticks of 25 pairs", columns, rows)


def _certificates(run: Run) -> Section:
    rows = []
    for effect in (EFFECTS[0], EFFECTS[5], EFFECTS[6]):
        run.say(f"confirmation {label(effect)}")
        share, bias = confirmation_coverage(run.rng(f"confirmation {label(effect)}"), effect, runs=run.scale.runs)
        stands = standing(share.low, share.high, least=COVERAGE[0], most=COVERAGE[1])
        rows.append(_share_row(f"confirmation covers, {label(effect)}", share, stands, bias))
    for title, at_once in (
        ("safe at the margin, looked at from the first tick", True),
        ("safe at the margin, seven days as shipped", False),
    ):
        run.say(title)
        runs = run.scale.certificates * (_MORE_AT_ONCE if at_once else 1)
        found = falsely_safe(run.rng(title), Margin(absolute=0.005), 0.01, runs=runs, at_once=at_once)
        rows.append(_share_row(title, found, standing(found.low, found.high, most=_SAFE_ALPHA), None))
    columns = {"runs": "{:.0f}", "share": "{:.2%}", "low": "{:.2%}", "high": "{:.2%}", "bias": "{:+.1%}"}
    return Section("certificates", "Confirmation intervals (93 to 97 %) and false certificates (1 %)", columns, rows)


def _share_row(title: str, share: Share, stands: Standing, bias: float | None) -> Row:
    figures = {"runs": share.of, "share": share.value, "low": share.low, "high": share.high, "bias": bias}
    return Row(title, figures, stands)


def _losses(run: Run) -> Section:
    rows = []
    for effect in (EFFECTS[0], EFFECTS[5], EFFECTS[6], replace(EFFECTS[6], margin=Margin(absolute=0.01))):
        title = label(effect)
        run.say(f"losses {title}")
        base, figures = inf, {}
        for lost in LOSSES:
            for complete in (False, True) if lost else (False,):
                found = delay_with_losses(
                    run.rng(f"losses {title} {lost} {complete}"),
                    effect,
                    lost,
                    runs=run.scale.races,
                    longest=run.scale.longest,
                    complete=complete,
                )
                base = found if not lost else base
                name = f"{lost:.1%}{' complete' if complete else ''}" if lost else "pairs"
                figures[name] = found / base if lost else found * PAIRS
        rows.append(Row(title, figures))
    names = [f"{lost:.1%}{part}" for lost in LOSSES if lost for part in ("", " complete")]
    columns = {"pairs": "{:,.0f}"} | dict.fromkeys(names, "x{:.2f}")
    return Section(
        "losses",
        f"Median delay where legs are lost, as a multiple (never: beyond {run.scale.longest * PAIRS:,} pairs)",
        columns,
        rows,
    )


CHAPTERS: Mapping[str, Callable[[Run], Section]] = {
    "false-alarms": _false_alarms,
    "delay": _delays,
    "unpaired-delay": _unpaired_delays,
    "latency-delay": _tail_delays,
    "certificates": _certificates,
    "losses": _losses,
}
"""By name, in the order they are run."""
