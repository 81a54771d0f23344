"""``fullback plan``: how long until a difference would be seen, before any traffic is spent on it."""

from math import isfinite
from typing import Any

import click
from typing_extensions import override

from detectors.registry import SIGNALS
from monitor.cli_output import json_option, print_document
from monitor.client import read_document
from monitor.errors import FullbackError
from monitor.services.planner import Plan, make_plan, question_of
from monitor.services.policies import DEFAULT_POLICY, parse_policy

__all__ = ["plan"]


class _Share(click.ParamType[float]):
    """A share, or a number of per cent with a % sign."""

    name = "SHARE"

    @override
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        text = str(value).strip()
        try:
            share = float(text.rstrip("% ")) / (100 if text.endswith("%") else 1)
        except ValueError:
            share = -1.0
        if not 0.0 <= share <= 1.0:
            self.fail(f"{value!r} is no share: write a number from 0 to 1, or per cent as in 5%", param, ctx)
        return share


_SHARE = _Share()
_HOUR_S = 3600.0


@click.command()
@click.option("--signal", default="schema_validity", show_default=True, type=click.Choice(sorted(SIGNALS)))
@click.option("--base-rate", type=_SHARE, help="The baseline's bad rate.")
@click.option("--candidate-rate", type=_SHARE, help="The candidate's, that you want to be told of.")
@click.option("--slowdown", type=float, help="Latencies: the factor you want to be told of, 1.3 for 30 % slower.")
@click.option("--spread", type=float, default=0.5, show_default=True,
              help="Latencies: standard deviation of their logarithm.")  # fmt: skip
@click.option("--margin", type=_SHARE, help="Tolerance, instead of the policy's: absolute; relative for latencies.")
@click.option("--rps", type=float, help="Requests a second; sessions where users' reactions are read.")
@click.option("--sessions-per-hour", type=float, help="Instead of --rps, where arms are compared.")
@click.option("--mirror", type=_SHARE, default=1.0, show_default="100%", help="Share that the mirror copies.")
@click.option("--holdback", type=_SHARE, help="Share that the baseline answers; 5% where arms are compared.")
@click.option("--unpaired", is_flag=True, help="Compare the arms: no mirror.")
@click.option("--policy", type=click.Path(exists=True, dir_okay=False), help="Policy document; else the default one.")
@click.option("--slice", "slice_", default="all", show_default=True, help="An entry of the policy's slices.")
@click.option("--slice-share", type=_SHARE, default=1.0, show_default="100%", help="Share of the requests in it.")
@click.option("--watched", type=click.IntRange(1), default=1, show_default=True,
              help="(route, candidate) pairs of the fleet: they share the false-alarm budget.")  # fmt: skip
@click.option("--phi", type=click.FloatRange(1), help="Variance inflation of bursts; else 1, and 3 for latencies.")
@json_option
def plan(
    signal: str,
    base_rate: float | None,
    candidate_rate: float | None,
    slowdown: float | None,
    spread: float,
    margin: float | None,
    rps: float | None,
    sessions_per_hour: float | None,
    mirror: float,
    holdback: float | None,
    unpaired: bool,
    policy: str | None,
    slice_: str,
    slice_share: float,
    watched: int,
    phi: float | None,
    as_json: bool,
) -> None:
    """Tell how long a difference takes to be seen, and the smallest one seen in an hour and in a day."""
    by_slowdown = slowdown is not None
    if by_slowdown and not signal.startswith("latency_"):
        raise click.UsageError(f"--slowdown: {signal} is no latency; give --base-rate and --candidate-rate")
    if by_slowdown in {base_rate is not None, candidate_rate is not None}:
        raise click.UsageError("give --base-rate and --candidate-rate, or for a latency --slowdown alone")
    arms = unpaired or not SIGNALS[signal].paired
    traffic = _per_second(rps, sessions_per_hour, arms=arms)
    try:
        document = {} if policy is None else read_document(policy) or {}
        chosen = parse_policy(policy or DEFAULT_POLICY, 0, document)
        question = question_of(
            chosen,
            signal,
            rps=traffic,
            mirror=mirror,
            holdback=(0.05 if arms else 0.0) if holdback is None else holdback,
            apart=unpaired,
            slice_=slice_,
            slice_share=slice_share,
            watched=watched,
            margin=margin,
            phi=phi,
            base_rate=base_rate,
            spread=spread,
        )
        effect = slowdown if slowdown is not None else candidate_rate
        made = make_plan(question, 0.0 if effect is None else effect)
    except FullbackError as error:
        raise click.ClickException(f"{error.title}: {error.detail}") from None
    print_document(made.to_json(), as_json=as_json, lines=_lines(made, chosen.horizon_floor_s))


def _per_second(rps: float | None, sessions_per_hour: float | None, *, arms: bool) -> float:
    """Return the requests, or sessions, a second, said in one of two ways."""
    if sessions_per_hour is not None and not arms:
        raise click.UsageError("--sessions-per-hour: pairs are counted by requests; give --rps, or add --unpaired")
    if (rps is None) == (sessions_per_hour is None):
        raise click.UsageError("give --rps, or --sessions-per-hour where arms are compared")
    return rps if rps is not None else (sessions_per_hour or 0.0) / _HOUR_S


def _lines(made: Plan, horizon_s: float) -> list[str]:
    question = made.question
    unit = "pairs" if question.paired else "answers of both arms"
    traffic = (
        f"{question.candidate_s:,.3g} pairs/s"
        if question.paired
        else f"{question.candidate_s:,.3g} candidate and {question.baseline_s:,.3g} baseline answers/s"
    )
    rows = [
        ("signal", f"{question.signal}, {'paired' if question.paired else 'arms compared'}, {traffic}"),
        ("tolerated", f"up to {_effect(made, question.tolerated)}" + _base(made)),
        (
            "alarm at",
            f"{question.threshold:,.3g} ticks of {question.tick_s:g} s between false alarms; φ {question.phi:g}",
        ),
        ("asked", _effect(made, made.effect)),
    ]
    if isfinite(made.seen_after_s):
        told = f"after about {_time(made.seen_after_s)}, {made.requests:,.0f} {unit}"
        rows.append(("seen", f"{told}; the horizon of {horizon_s:g} s or more comes on top"))
    else:
        rows.append(("seen", "never: the margin tolerates it"))
    rows.append(("at best", f"{_time(made.soonest_s)}, however large the difference"))
    for span, effect in made.smallest.items():
        rows.append((f"in {span}", "nothing could be seen" if effect is None else f"{_effect(made, effect)} or more"))
    return [f"{name:<10} {text}" for name, text in rows]


def _base(made: Plan) -> str:
    base = made.question.base_rate
    return "" if base is None else f" at a baseline of {_percent(base)}"


def _effect(made: Plan, effect: float) -> str:
    return f"{effect:.3g} times as slow" if made.question.by_slowdown else _percent(effect)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _time(seconds: float) -> str:
    for unit, length, until in (("s", 1.0, 120.0), ("min", 60.0, 7_200.0), ("h", 3_600.0, 172_800.0)):
        if seconds < until:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds / 86_400:,.3g} days"
