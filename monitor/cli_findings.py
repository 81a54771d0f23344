"""``fullback findings``: what on-call should know that is no incident, through the API."""

import json
from typing import Any

import click

from monitor.client import call_api

__all__ = ["findings"]

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
_all = click.option("--all", "everything", is_flag=True, help="The closed ones, too.")


@click.group(invoke_without_command=True)
@_all
@_json
@click.pass_context
def findings(context: click.Context, everything: bool, as_json: bool) -> None:
    """Silent shippers and changed fingerprints; without a command: the open ones."""
    if context.invoked_subcommand is None:
        _list(everything=everything, as_json=as_json)


@findings.command("list")
@_all
@_json
def list_(everything: bool, as_json: bool) -> None:
    """List the open findings, newest first."""
    _list(everything=everything, as_json=as_json)


@findings.command("close")
@click.argument("finding_id", type=int)
@click.option("--reason", required=True, help="Why; is kept with it.")
@_json
def close(finding_id: int, reason: str, as_json: bool) -> None:
    """Close an open finding."""
    closed = call_api("POST", f"/v1/findings/{finding_id}/close", json={"reason": reason})
    click.echo(json.dumps(closed) if as_json else f"finding {finding_id} closed by {closed['closed_by']}")


def _list(*, everything: bool, as_json: bool) -> None:
    found = call_api("GET", "/v1/findings", params={"state": "all" if everything else "open"})
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found["items"]:
        click.echo(_line(one))
    if not found["items"]:
        click.echo("no findings" if everything else "no open findings")


def _line(one: dict[str, Any]) -> str:
    state = f"closed by {one['closed_by']}" if one["closed_by"] else "closed" if one["closed_at"] else "OPEN"
    return f"{one['id']}  {one['kind']}  {one['subject']}  {state}  {one['detail']}"
