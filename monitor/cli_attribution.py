"""``fullback attribution``: the rules, and what they would do to an event, through the API."""

import json
from typing import Any

import click

from monitor.client import call_api, read_document

__all__ = ["attribution"]

_file = click.argument("path", type=click.Path(exists=True, dir_okay=False), metavar="FILE")
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")


@click.group()
def attribution() -> None:
    """Which route, variant and leg an event gets."""


@attribution.command("rules")
@_json
def rules(as_json: bool) -> None:
    """List the rules in their order; the first that matches counts."""
    _show(call_api("GET", "/v1/attribution/rules"), as_json=as_json)


@attribution.command("apply")
@_file
@_json
def apply(path: str, as_json: bool) -> None:
    """Replace all rules by those of a YAML or JSON file (a list, or an object with "rules")."""
    document = read_document(path)
    body = {"rules": document} if isinstance(document, list) else document
    _show(call_api("PUT", "/v1/attribution/rules", json=body), as_json=as_json)


@attribution.command("explain")
@_file
@_json
def explain(path: str, as_json: bool) -> None:
    """Tell what the event in a file would get, and by which rule; nothing is stored."""
    found = call_api("POST", "/v1/attribution/explain", json=read_document(path))
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo(f"route {found['route'] or '-'}  variant {found['variant'] or '-'}  leg {found['leg']}")
    click.echo(f"by {found['rule']}")
    for name, value in found["readings"].items():
        click.echo(f"  {name} {value}")


def _show(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(document))
        return
    for rule in document["rules"]:
        conditions = " and ".join(f"{field}={_pattern(pattern)}" for field, pattern in rule["match"].items())
        outcome = " ".join(f"{name} {value}" for name, value in rule["outcome"].items())
        click.echo(f"{rule['position']:>3}  {rule['name']}: {conditions} -> {outcome}  (by {rule['actor']})")
    if not document["rules"]:
        click.echo("no rules; the built-in ones apply: model name, backend, fingerprint, mirror host")


def _pattern(pattern: Any) -> str:
    if isinstance(pattern, str):
        return pattern
    ((comparison, text),) = pattern.items()
    return f"{comparison}:{text}"
