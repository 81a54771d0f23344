"""``fullback routes``: what they are and where their answers fail, through the API."""

from collections.abc import Sequence
from typing import Any

import click

from monitor.cli_output import file_argument, json_option, print_document
from monitor.client import call_api, read_document

__all__ = ["routes"]


@click.group()
def routes() -> None:
    """Routes, through the API."""


@routes.command("list")
@json_option
def routes_list(as_json: bool) -> None:
    """List routes with mode and phase."""
    found = call_api("GET", "/v1/routes")
    lines = [f"{r['name']}  mode {r['mode']}  phase {r['phase']}  epoch {r['epoch']}" for r in found["items"]]
    print_document(found, as_json=as_json, lines=lines or ["no routes yet: fullback routes add FILE"])


@routes.command("add")
@file_argument
@json_option
def routes_add(path: str, as_json: bool) -> None:
    """Create a route from a YAML or JSON file (name, target, variants, ...)."""
    made = call_api("POST", "/v1/routes", json=read_document(path))
    print_document(made, as_json=as_json, lines=[f"route {made['name']} created, mode {made['mode']}"])


@routes.command("show")
@click.argument("name")
@json_option
def routes_show(name: str, as_json: bool) -> None:
    """Show a route: phase, every router, what holds it, and every stream's verdict."""
    route = call_api("GET", f"/v1/routes/{name}")
    route["overview"] = _overview(name)
    lines = [
        f"{name}: mode {route['mode']}, phase {route['phase']} since {route['phase_since']}, epoch {route['epoch']}",
        *_moving(route),
        *_routers(route["overview"]),
        *_holding(route),
        *_rehearsed(route["rehearsal"]),
    ]
    lines += [
        f"  {one['verdict']:<12} {one['candidate']} {one['signal']}/{one['slice']}: {one['reason']}"
        for one in route["streams"]
        if not one["a_a"]
    ]
    for whole in route.get("candidates", ()):
        if whole["degraded"]:
            lines.append(f"  degraded slices of {whole['candidate']}, strongest first. {whole['note']}")
            lines += [f"    {one['signal']}/{one['slice']}" for one in whole["degraded"]]
        if whole["culprit"]:
            lead, ratio = whole["culprit"], whole["log_ratio"]
            lines.append(
                f"  {whole['candidate']} as a whole: log evidence {ratio:+.1f} from its threshold, most of it "
                f"({lead['part']:.0%}) from {lead['signal']}/{lead['slice']}"
            )
    print_document(route, as_json=as_json, lines=lines)


def _overview(name: str) -> dict[str, Any]:
    """Ask the routers; a route is shown without them, too."""
    try:
        found: dict[str, Any] = call_api("GET", f"/v1/routes/{name}/overview", timeout=120)
    except click.ClickException as error:
        return {"problem": error.message}
    return found


def _moving(route: dict[str, Any]) -> list[str]:
    """Return which step of a move is written or in force."""
    stages, stage = route["stages"], route["stage"]
    if not stages or stage >= len(stages) or route["phase"] in {"armed", "hold", "triggered", "preflight"}:
        return []
    step = stages[stage]
    what = f"the baseline gets {step['replicas']} replicas" if step["replicas"] else f"{step['share']} % of the way"
    return [f"  move       {route['goal']} by {route['actor']}, step {stage + 1} of {len(stages)}: {what}"]


def _routers(overview: dict[str, Any]) -> list[str]:
    if "problem" in overview:
        return [f"  routers    not asked: {overview['problem']}"]
    lines = []
    for one in overview["targets"]:
        shows, standing = one["shows"], one["standing"] or "untouched"
        weights = "" if shows is None else ", ".join(f"{name} {weight}" for name, weight in shows["weights"].items())
        lines.append(f"  target     {one['target']}  {standing}  read-back {one['read_back']}  {weights}".rstrip())
        if one["standing"] != "in_force":
            lines.append(f"             {one['said']}")
    return lines if overview["proof"] is None else [*lines, f"  proof      {overview['proof']}"]


def _holding(route: dict[str, Any]) -> list[str]:
    """Return what keeps the controller from moving the route by itself."""
    overview, lines = route["overview"], []
    if route["pinned_by"]:
        lines.append(f"  pin        by {route['pinned_by']} until {route['pinned_until'] or 'it is lifted'}")
    standing = [f"  freeze     {one['id']}: {one['said']}" for one in route["freezes"]]
    if not standing and overview.get("held"):
        standing = [f"  freeze     {overview['held']}"]
    lines += standing
    if overview.get("not_armed"):
        lines.append(f"  not armed  {overview['not_armed']}")
    return lines


def _rehearsed(found: Sequence[dict[str, Any]]) -> list[str]:
    if not found:
        return ["  rehearsal  none yet"]
    problems = [f"{one['target']}: {text}" if one["target"] else text for one in found for text in one["problems"]]
    return [f"  rehearsal  {found[0]['at']}  {'FAILED: ' + '; '.join(problems) if problems else 'ok'}"]


@routes.command("set")
@click.argument("name")
@click.option("--mode", type=click.Choice(["observe", "advise", "auto"]))
@click.option("--policy")
@click.option("--waiver", help="Why auto is armed before the observation period ended.")
@click.option("--text-storage", type=click.Path(exists=True, dir_okay=False), help="File: which texts are kept.")
@click.option(
    "--answer-schema", type=click.Path(exists=True, dir_okay=False), help="File: what answers are checked by."
)
@click.option("--clear", multiple=True, type=click.Choice(["answer_schema", "mirror_host_suffix", "waiver"]))
@json_option
def routes_set(name: str, as_json: bool, clear: Sequence[str], **changes: str | None) -> None:
    """Change a route's mode, policy, waiver, text storage or the schema of its answers."""
    wanted: dict[str, Any] = {field: value for field, value in changes.items() if value is not None}
    for field in ("text_storage", "answer_schema"):
        if field in wanted:
            wanted[field] = read_document(wanted[field])
    wanted |= dict.fromkeys(clear)
    route = call_api("PATCH", f"/v1/routes/{name}", json=wanted)
    texts = route["text_storage"]["mode"]
    print_document(
        route, as_json=as_json, lines=[f"{name}: mode {route['mode']}, policy {route['policy']}, texts {texts}"]
    )


@routes.command("faults")
@click.argument("name")
@click.option("--signal", help="Only this signal's.")
@click.option("--days", default=7, show_default=True)
@json_option
def routes_faults(name: str, signal: str | None, days: int, as_json: bool) -> None:
    """Show where the answers of each variant fail, most frequent first."""
    query = {"days": days} if signal is None else {"days": days, "signal": signal}
    found = call_api("GET", f"/v1/routes/{name}/faults", params=query)
    lines = [
        f"{one['n']:>9}  {one['variant']}  {one['signal']}  {one['reason']}  {one['detail'] or ''}".rstrip()
        for one in found["items"]
    ]
    print_document(found, as_json=as_json, lines=lines or [f"no faults since {found['since']}"])
