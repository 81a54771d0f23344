"""``fullback incidents``: what was found, what was done about it, and how fast, through the API."""

from typing import Any

import click

from monitor.cli_output import json_option, print_document, reason_option
from monitor.client import call_api

__all__ = ["incidents"]


@click.group()
def incidents() -> None:
    """Incidents, through the API."""


@incidents.command("list")
@click.option("--route")
@json_option
def incidents_list(route: str | None, as_json: bool) -> None:
    """List incidents, newest first."""
    found = call_api("GET", "/v1/incidents", params={} if route is None else {"route": route})
    lines = [
        f"{i['id']}  {i['route']}/{i['candidate']}  {'closed' if i['closed_at'] else 'OPEN'}  {i['headline']}"
        for i in found["items"]
    ]
    print_document(found, as_json=as_json, lines=lines or ["no incidents"])


@incidents.command("timeline")
@click.argument("incident_id", type=click.IntRange(1, 2**62), metavar="ID")
@json_option
def incidents_timeline(incident_id: int, as_json: bool) -> None:
    """Show what was done about an incident, with the seconds since its alarm."""
    near = call_api("GET", "/v1/incidents", params={"cursor": incident_id + 1, "limit": 1})["items"]
    if not near or near[0]["id"] != incident_id:
        raise click.ClickException(f"there is no incident {incident_id} that your key may see: fullback incidents list")
    route = near[0]["route"]
    found = call_api("GET", f"/v1/routes/{route}/timeline", params={"incident": incident_id})
    print_document(found, as_json=as_json, lines=_timeline(found))


def _timeline(found: dict[str, Any]) -> list[str]:
    lines = [f"incident {found['incident']} on {found['route']}: {found['headline']}"]
    lines += [f"  onset, estimated {found['onset_at']}", f"  alarm {found['alarm_at']}"]
    lines += [
        f"  {one['since_alarm_s']:+10.1f} s  {one['action']:<20} {one['from_phase']} -> {one['to_phase']}  "
        f"epoch {one['epoch']}  {one['actor']}: {one['reason']}"
        for one in found["items"]
    ]
    steps = ", ".join(f"{step.replace('_', ' ')} {seconds:.1f} s" for step, seconds in found["effective_s"].items())
    return [*lines, f"  from the alarm: {steps or 'nothing was moved'}"]


@incidents.command("close")
@click.argument("route")
@click.argument("incident_id", type=int)
@reason_option
def incidents_close(route: str, incident_id: int, reason: str) -> None:
    """Close an open incident."""
    call_api("POST", f"/v1/routes/{route}/incidents/{incident_id}/close", json={"reason": reason})
    click.echo(f"incident {incident_id} closed")
