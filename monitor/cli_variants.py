"""``fullback variants``: what variants are, through the API."""

import json
from collections.abc import Mapping
from typing import Any

import click

from monitor.client import call_api, read_document

__all__ = ["variants"]

_file = click.argument("path", type=click.Path(exists=True, dir_okay=False), metavar="FILE")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
_route = click.argument("route")
_name = click.argument("variant")


@click.group()
def variants() -> None:
    """Variants of a route, and what they are."""


@variants.command("list")
@_route
@_json
def list_(route: str, as_json: bool) -> None:
    """List a route's variants, baseline first."""
    found = call_api("GET", f"/v1/routes/{route}/variants")
    if as_json:
        click.echo(json.dumps(found))
        return
    for one in found["items"]:
        by = f"confirmed by {one['confirmed_by']}" if one["confirmed_by"] else "suggested, not confirmed"
        click.echo(f"{one['name']}  {one['role']}  {one['tier']}  {one['format']}  behind {one['backend']}  {by}")


@variants.command("add")
@_route
@_file
@_json
def add(route: str, path: str, as_json: bool) -> None:
    """Add a variant from a YAML or JSON file."""
    made = call_api("POST", f"/v1/routes/{route}/variants", json=read_document(path))
    _show(made, f"{made['role']} {made['name']} added to {route}", as_json=as_json)


@variants.command("set")
@_route
@_name
@click.option("--format", "format_", help="Such as awq-int4.")
@click.option("--tier", type=click.Choice(["serving", "quantized", "derived"]))
@click.option("--base-model", help="The model it was made from.")
@click.option("--digest", help="The system_fingerprint, or a digest of the image.")
@click.option("--artifact", type=click.Path(exists=True, dir_okay=False), help="File: all its facts.")
@_json
def set_(
    route: str, variant: str, as_json: bool, format_: str | None, artifact: str | None, **rest: str | None
) -> None:
    """Change what is said of a variant; it then has to be confirmed anew."""
    wanted: dict[str, Any] = {field: value for field, value in {"format": format_, **rest}.items() if value is not None}
    if artifact is not None:
        wanted["artifact"] = read_document(artifact)
    changed = call_api("PATCH", f"/v1/routes/{route}/variants/{variant}", json=wanted)
    _show(changed, f"{route}/{variant} changed", as_json=as_json)


@variants.command("suggest")
@click.argument("name")
@click.option("--metadata", type=click.Path(exists=True, dir_okay=False), help="File: config.json, engine options.")
@_json
def suggest(name: str, metadata: str | None, as_json: bool) -> None:
    """Tell what a repository, file or model name suggests; nothing is stored."""
    params = {"name": name}
    if metadata is not None:
        params["metadata"] = json.dumps(read_document(metadata))
    found = call_api("GET", "/v1/variants/suggest", params=params)
    if as_json:
        click.echo(json.dumps(found))
        return
    for field, reading in found["readings"].items():
        piece = f"  from {reading['from']!r}" if reading["from"] else ""
        click.echo(f"{field:<20} {_plain(reading['value'])}  ({reading['certainty']}){piece}")
    _warn(found["warnings"])


@variants.command("confirm")
@_route
@_name
@_json
def confirm(route: str, variant: str, as_json: bool) -> None:
    """Confirm a variant's tier and facts as they are shown now: they set margins from here on."""
    shown = call_api("GET", f"/v1/routes/{route}/variants")["items"]
    seen = next((one for one in shown if one["name"] == variant), None)
    if seen is None:
        known = ", ".join(one["name"] for one in shown)
        raise click.ClickException(f"route {route} has no variant {variant!r}; it has: {known}")
    # what is sent is what was read: a change between the two is not confirmed unseen
    body = {"artifact": seen["artifact"], "tier": seen["tier"]}
    done = call_api("POST", f"/v1/routes/{route}/variants/{variant}/confirm", json=body)
    _show(done, f"{route}/{variant} confirmed by {done['confirmed_by']}: {done['defaults']['reason']}", as_json=as_json)


def _show(variant: Mapping[str, Any], line: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(variant))
        return
    click.echo(line)
    facts = ", ".join(f"{name} {_plain(value)}" for name, value in variant["artifact"].items())
    click.echo(f"  tier {variant['tier']}; {facts or 'no facts'}")
    _warn(variant["warnings"])


def _warn(warnings: list[str]) -> None:
    for warning in warnings:
        click.echo(f"  ! {warning}")


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " < ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
