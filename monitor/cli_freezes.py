"""``fullback freeze`` and ``unfreeze``: times in which nothing is moved automatically, through the API."""

from typing import Any

import click

from monitor.cli_output import json_option, print_document, reason_option
from monitor.client import call_api

__all__ = ["freeze", "unfreeze"]


@click.command()
@click.argument("route", required=False)
@click.option("--all", "everything", is_flag=True, help="All routes; needs a key of all routes.")
@click.option("--hours", type=float, help="For so long.")
@click.option("--until-lifted", is_flag=True, help="Until somebody lifts it.")
@click.option("--reason", help="Why; goes into the audit.")
@click.option("--ended", is_flag=True, help="With 'list': the ended ones, too.")
@json_option
def freeze(
    route: str | None,
    everything: bool,
    hours: float | None,
    until_lifted: bool,
    reason: str | None,
    ended: bool,
    as_json: bool,
) -> None:
    """Hold automatic moves of ROUTE, or of all; 'fullback freeze list' shows what stands.

    A rollback that is wanted meanwhile is blocked and pages; a person's flip still works.
    """
    if route == "list" and reason is None:
        _list(ended=ended, as_json=as_json)
        return
    if (route is None) is not everything:
        raise click.UsageError("say what is frozen: a ROUTE, or --all ('fullback freeze list' shows what stands)")
    if (hours is None) is not until_lifted:
        raise click.UsageError("say for how long: --hours N, or --until-lifted")
    if not reason:
        raise click.UsageError("--reason is missing: say why; it goes into the audit")
    made = call_api("POST", "/v1/freezes", json={"route": route, "hours": hours, "reason": reason})
    print_document(made, as_json=as_json, lines=[_line(made)])


@click.command()
@click.argument("freeze_id", type=int, metavar="ID")
@reason_option
@json_option
def unfreeze(freeze_id: int, reason: str, as_json: bool) -> None:
    """Lift a freeze, a person's or the breaker's, by its number in 'fullback freeze list'."""
    lifted = call_api("POST", f"/v1/freezes/{freeze_id}/lift", json={"reason": reason})
    print_document(lifted, as_json=as_json, lines=[_line(lifted)])


def _list(*, ended: bool, as_json: bool) -> None:
    found = call_api("GET", "/v1/freezes", params={"state": "all" if ended else "standing"})
    lines = [_line(one) for one in found["items"]]
    print_document(found, as_json=as_json, lines=lines or ["no freezes" if ended else "nothing is frozen"])


def _line(one: dict[str, Any]) -> str:
    state = "STANDS" if one["stands"] else f"lifted by {one['lifted_by']}" if one["lifted_at"] else "over"
    return f"{one['id']}  {one['route'] or 'all routes'}  {state}  {one['said']}"
