"""``fullback flip``, ``recover``, ``pin`` and ``unpin``: what people do to a route, through the API."""

import sys
from typing import Any

import click

from monitor.cli_output import json_option, print_document, reason_option
from monitor.client import call_api

__all__ = ["flip", "pin", "recover", "unpin"]

_WHERE = {"baseline": "to the baseline", "before": "back to the routing before the last flip"}


@click.command()
@click.argument("route")
@click.option("--to", type=click.Choice(["baseline", "before"]), required=True, help="'before' undoes the last flip.")
@click.option("--reason", help="Why; goes into the audit.")
@click.option("--dry-run", is_flag=True, help="Write nothing: say what it would do; exit 1 if it would fail.")
@json_option
def flip(route: str, to: str, reason: str | None, dry_run: bool, as_json: bool) -> None:
    """Move a route by hand; the controller applies and verifies it."""
    if dry_run:
        _rehearse(route, to, as_json=as_json)
        return
    if not reason:
        raise click.UsageError("--reason is missing: say why; it goes into the audit (or try it: --dry-run)")
    control = call_api("POST", f"/v1/routes/{route}/flips", json={"to": to, "reason": reason})
    print_document(control, as_json=as_json, lines=[_moving(route, control)])


def _rehearse(route: str, to: str, *, as_json: bool) -> None:
    found = call_api("POST", f"/v1/routes/{route}/flips/rehearse", json={"to": to}, timeout=120)
    print_document(found, as_json=as_json, lines=_rehearsed(route, to, found))
    if not found["ok"]:
        sys.exit(1)


def _rehearsed(route: str, to: str, found: dict[str, Any]) -> list[str]:
    lines = [f"{route}: a flip {_WHERE[to]}, epoch {found['epoch']}; nothing is written"]
    for one in found["targets"]:
        judge = "the router judged it" if one["judged_by_router"] else "looked at from here, not judged by the router"
        lines.append(f"  {'ok  ' if one['ok'] else 'FAIL'}  target {one['target']} ({judge})")
        lines += [f"          problem: {problem}" for problem in one["problems"]]
        lines += [f"          {change}" for change in one["changes"] or ["changes nothing"]]
    for check in found["checks"]:
        fails = "FAIL" if check["name"] == "preflight" else "held"
        lines.append(f"  {'ok  ' if check['ok'] else fails}  {check['name']}: {check['said']}")
    if found["checks"]:
        shares = [_step(stage) for stage in found["stages"]]
        lines.append(f"  steps    by hand: 100 % at once; by itself: {', '.join(shares) or 'it would not begin'}")
    return lines


def _step(stage: dict[str, Any]) -> str:
    return f"{stage['replicas']} replicas first" if stage["replicas"] else f"{stage['share']} %"


@click.command()
@click.argument("route")
@reason_option
@click.option("--at-once", is_flag=True, help="Begin now, without waiting for evidence that it is safe.")
@json_option
def recover(route: str, reason: str, at_once: bool, as_json: bool) -> None:
    """Bring a rolled-back candidate back in steps, as soon as the evidence says that it is safe."""
    body = {"reason": reason, "at_once": at_once}
    control = call_api("POST", f"/v1/routes/{route}/recoveries", json=body)
    print_document(control, as_json=as_json, lines=[_moving(route, control)])


@click.command()
@click.argument("route")
@click.option("--hours", type=float, default=24, show_default=True)
@reason_option
@json_option
def pin(route: str, hours: float, reason: str, as_json: bool) -> None:
    """Pin a route where it is: the controller advises and moves nothing. A person's flip still works."""
    control = call_api("PUT", f"/v1/routes/{route}/pin", json={"hours": hours, "reason": reason})
    print_document(control, as_json=as_json, lines=[f"{route}: pinned until {control['pinned_until']}"])


@click.command()
@click.argument("route")
@reason_option
@json_option
def unpin(route: str, reason: str, as_json: bool) -> None:
    """Take a route's pin away."""
    control = call_api("DELETE", f"/v1/routes/{route}/pin", params={"reason": reason})
    print_document(control, as_json=as_json, lines=[f"{route}: not pinned"])


def _moving(route: str, control: dict[str, Any]) -> str:
    return f"{route}: {control['phase']}, epoch {control['epoch']}; watch: fullback routes show {route}"
