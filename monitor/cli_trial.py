"""``fullback policies try``: what a policy would have done on what was counted, before it is saved."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from monitor.cli_output import json_option, print_document
from monitor.client import call_api, read_document

__all__ = ["try_policy"]

_ANSWER_S = 90.0
"""What folding may take on top of the time for reading."""


@click.command("try")
@click.argument("name")
@click.argument("path", type=click.Path(exists=True, dir_okay=False), metavar="FILE")
@click.option("--route", help="The only route to look at; else those that use the policy.")
@click.option("--days", type=click.FloatRange(0, 90, min_open=True), default=30.0, show_default=True)
@click.option("--within", type=click.FloatRange(1, 120), default=20.0, show_default=True,
              help="Seconds for reading; the newest part is read first.")  # fmt: skip
@json_option
def try_policy(name: str, path: str, route: str | None, days: float, within: float, as_json: bool) -> None:
    """Tell which alarms and rollbacks a policy would have led to; nothing is stored or changed."""
    body = {"name": name, "document": read_document(path) or {}, "days": days, "within_s": within}
    if route is not None:
        body["route"] = route
    told = call_api("POST", "/v1/policies/try", json=body, timeout=within + _ANSWER_S)
    print_document(told, as_json=as_json, lines=list(_lines(told)))


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    for route in told["routes"]:
        new, present = route["trial"], route["present"]
        yield f"Route {route['route']}  {_short(route['from'])} to {_short(route['to'])}"
        yield f"  {told['policy']:<24} {_counted(new)}"
        yield f"  {route['present_policy'] + ' (present)':<24} {_counted(present)}"
        yield f"  {'happened':<24} {route['happened']} incidents"
        for one in new["rollback_decisions"]:
            yield (
                f"    {_short(one['at'])}  {_stream(one)}: {_share(one['candidate_rate'])} against "
                f"{_share(one['baseline_rate'])} in {one['n']:,} since {_short(one['onset'])}"
            )
        for signal, n in new["alarms_at_counted_margin"].items():
            yield f"    {signal}: {n} alarms at the margin it was counted at (not in the sums)"
        if new["resolution_s"] > 60:  # noqa: PLR2004 - a minute
            yield f"  Times are told to {new['resolution_s'] / 60:.0f} min: ticks were put together"
        if route["cannot_know"]:
            yield "  What this cannot know"
        for gap in route["cannot_know"]:
            about = f": {', '.join(gap['about'][:8])}" + (" …" if len(gap["about"]) > 8 else "")  # noqa: PLR2004
            yield f"    {gap['why']}{about if gap['about'] else ''}"


def _counted(trial: Mapping[str, Any]) -> str:
    withheld = f", {trial['withheld']} of them in doubt" if trial["withheld"] else ""
    return (
        f"{trial['rollbacks']} rollbacks, {trial['alarms']} alarms{withheld} "
        f"({trial['streams_counted']} of {trial['streams']} streams were counted)"
    )


def _stream(one: Mapping[str, Any]) -> str:
    where = one["signal"] if one["slice"] == "all" else f"{one['signal']} ({one['slice']})"
    return f"{one['candidate']} {where}"


def _share(rate: float | None) -> str:
    return "unknown" if rate is None else f"{100 * rate:.2g} %"


def _short(stamp: str) -> str:
    return f"{datetime.fromisoformat(stamp):%Y-%m-%d %H:%M}"
