"""The command line: ``fullback``. Names are a contract; ``--json`` where a script may want it."""

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import wraps
from typing import Any, ParamSpec, cast

import click

from monitor import __version__
from monitor.bench.command import bench
from monitor.cli_attribution import attribution
from monitor.cli_calibrate import calibrate_command
from monitor.cli_findings import findings
from monitor.cli_freezes import freeze, unfreeze
from monitor.cli_incidents import incidents
from monitor.cli_moves import flip, pin, recover, unpin
from monitor.cli_output import file_argument, json_option, print_document, reason_option
from monitor.cli_plan import plan
from monitor.cli_replay import replay
from monitor.cli_routes import routes
from monitor.cli_score import score
from monitor.cli_trial import try_policy
from monitor.cli_variants import variants
from monitor.client import call_api, read_document
from monitor.config import Settings
from monitor.demo.faults import FAULTS
from monitor.errors import FullbackError, RoutingError
from monitor.routing.base import RouteTarget

__all__ = ["main"]

_P = ParamSpec("_P")
_Printer = Callable[[Any], None]


def _settings() -> Settings:
    return Settings()


def _guarded(command: Callable[_P, None]) -> Callable[_P, None]:
    """Show our own errors as one line with the next step, never as a trace."""

    @wraps(command)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except FullbackError as error:
            raise click.ClickException(f"{error.title}: {error.detail}") from None

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="fullback")
def main() -> None:
    """Watch quantized LLM variants; fall back to full precision when they drift."""


@main.command()
@click.option("--role", type=click.Choice(["all", "api", "worker"]), default="all", show_default=True)
@_guarded
def serve(role: str) -> None:
    """Run the service (the embedded PostgreSQL unless FULLBACK_DATABASE_URL is set)."""
    import uvicorn

    from monitor.factory import Factory
    from monitor.heads import timed_heads
    from monitor.main import ServiceRole, calm_collector, create_app
    from monitor.server import DrainingServer
    from monitor.storage.schema import check_schema
    from monitor.telemetry import configure_logging

    settings = _settings()
    configure_logging(settings.log_level)
    factory = Factory(settings)
    check_schema(factory.database)
    calm_collector()
    config = uvicorn.Config(
        create_app(factory, ServiceRole(role)),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        http=timed_heads(settings.head_timeout_s),
        timeout_graceful_shutdown=20,
    )
    server = DrainingServer(config, factory.drain, 0 if role == ServiceRole.WORKER else settings.drain_s)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(3)


@main.command()
@json_option
@_guarded
def migrate(as_json: bool) -> None:
    """Bring the database schema to this version's."""
    from monitor.factory import Factory
    from monitor.storage.schema import current_revision, upgrade

    database = Factory(_settings()).database
    before = current_revision(database)
    after = upgrade(database)
    said = "already at" if before == after else "now at"
    print_document({"before": before, "after": after}, as_json=as_json, lines=[f"schema {said} {after}"])


@main.command()
@json_option
@_guarded
def check(as_json: bool) -> None:
    """Check settings, database, schema and every route's target; exit 1 if something is wrong."""
    from monitor.factory import Factory
    from monitor.routing.registry import build
    from monitor.storage.schema import check_schema

    factory = Factory(_settings())
    checks: list[dict[str, Any]] = []

    def probe(what: str, test: Callable[[], object]) -> None:
        try:
            told = test()
            checks.append({"check": what, "ok": True, "detail": told if isinstance(told, str) else "ok"})
        except FullbackError as error:
            checks.append({"check": what, "ok": False, "detail": error.detail})

    probe("database schema", lambda: check_schema(factory.database))
    if checks[0]["ok"]:
        for route in factory.routes.all():
            probe(f"policy of {route.name}", lambda route=route: factory.policies.get(route.policy))  # type: ignore[misc]
            probe(f"streams of {route.name}", lambda route=route: _bounded(factory, route))  # type: ignore[misc]
            for ref in route.targets:
                probe(f"target {ref.label} of {route.name}", lambda ref=ref: _readable(build(ref)))  # type: ignore[misc]
    factory.database.close()
    lines = [f"{'ok  ' if one['ok'] else 'FAIL'} {one['check']}: {one['detail']}" for one in checks]
    print_document(checks, as_json=as_json, lines=lines)
    if not all(one["ok"] for one in checks):
        sys.exit(1)


def _bounded(factory: Any, route: Any) -> str | None:
    """Return what the bound on a route's streams leaves out: worth a look, and nothing wrong."""
    from monitor.services.stream_bound import bound_of

    return bound_of(factory.policies.get(route.policy), factory.routes.variants(route)).reason


def _readable(target: RouteTarget) -> str:
    """Return what reading a target back is worth, and what is odd about what it shows.

    Raises:
        RoutingError: it cannot be read, or a GitOps manager would write over a flip.
    """
    found, worth = target.read(), target.capabilities.read_back.value
    if found.owners:
        raise RoutingError(
            f"{', '.join(found.owners)} would write over a flip: add ignore rules for the weights and filters there "
            "(docs/routers.md), then say so in the target's settings"
        )
    odd = [*found.pending, *(f"override {name}" for name in found.overrides)]
    return f"read-back {worth}" + (f"; {'; '.join(odd)}" if odd else "")


@main.command(name="list")
@click.argument("what", type=click.Choice(["signals", "targets", "notifiers", "doors"]))
@json_option
def list_(what: str, as_json: bool) -> None:
    """Show what is registered."""
    rows = _registered(what)
    lines = [_line(row) for row in rows]
    print_document(rows, as_json=as_json, lines=lines)


def _line(row: dict[str, Any]) -> str:
    """Return a row for people: of a yes-or-no its name where it is yes."""
    told = [f"{name}={value:g}" for name, value in row.items() if isinstance(value, float)]
    told += [name for name, value in row.items() if value is True]
    return "  ".join([*(str(value) for value in row.values() if isinstance(value, str)), *told])


def _registered(what: str) -> list[dict[str, Any]]:
    from alerts.registry import NOTIFIERS
    from detectors.registry import SIGNALS
    from monitor.intake.doors import DOORS
    from monitor.routing.registry import TARGETS

    match what:
        case "signals":
            return [{"name": n, "kind": s.kind.value, "unit": s.unit, "title": s.title} for n, s in SIGNALS.items()]
        case "targets":
            return [{"name": name, **_abilities(cast("type[RouteTarget]", one))} for name, one in TARGETS.items()]
        case "notifiers":
            return [{"name": name} for name in NOTIFIERS]
        case _:
            return [{"name": d.name, "path": d.path, "recorder": d.recorder.value} for d in DOORS.values()]


def _abilities(kind: type[RouteTarget]) -> dict[str, Any]:
    """Return the most that a kind of router can do, as JSON types; an instance's settings may allow less."""
    return {**asdict(kind.capabilities), "read_back": kind.capabilities.read_back.value}


@main.group()
def keys() -> None:
    """Make, list and revoke API keys (works on the database directly)."""


@keys.command("create")
@click.option("--source", required=True, help="Who holds the key; part of every event's identity.")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice(["ingest", "read", "operate", "admin"])
)
@click.option("--route", "routes", multiple=True, help="Bind the key to routes; ingest keys should be.")
@json_option
@_guarded
def keys_create(source: str, scopes: tuple[str, ...], routes: tuple[str, ...], as_json: bool) -> None:
    """Make a key. Its text is shown once and not kept."""
    from monitor.factory import Factory
    from monitor.models.key import Scope

    bound = frozenset(routes) or None
    key, text = Factory(_settings()).keys.create(source, frozenset(Scope(scope) for scope in scopes), bound)
    document = {"id": key.id, "source": source, "scopes": sorted(scopes), "routes": sorted(routes), "key": text}
    print_document(document, as_json=as_json, lines=[text, f"(id {key.id}; shown once: store it now)"])


@keys.command("list")
@json_option
@_guarded
def keys_list(as_json: bool) -> None:
    """List keys, without their secrets."""
    from monitor.factory import Factory

    rows = [
        {
            "id": key.id,
            "source": key.source,
            "scopes": sorted(key.scopes),
            "routes": "all" if key.routes is None else sorted(key.routes),
            "revoked": key.revoked_at is not None,
        }
        for key in Factory(_settings()).keys.all()
    ]
    lines = [
        f"{row['id']}  {row['source']}  {row['scopes']}  routes: {row['routes']}{'  REVOKED' if row['revoked'] else ''}"
        for row in rows
    ]
    print_document(rows, as_json=as_json, lines=lines)


@keys.command("revoke")
@click.argument("key_id")
@_guarded
def keys_revoke(key_id: str) -> None:
    """Revoke a key by its id."""
    from monitor.factory import Factory

    if not Factory(_settings()).keys.revoke(key_id):
        raise click.ClickException(f"there is no active key {key_id!r} (see: fullback keys list)")
    click.echo(f"revoked {key_id}; every process forgets it within 10 s")


@main.group()
def policies() -> None:
    """Policies, through the API."""


@policies.command("list")
@json_option
def policies_list(as_json: bool) -> None:
    """List policy versions, newest first."""
    found = call_api("GET", "/v1/policies")
    lines = [f"{p['name']}@{p['version']}  by {p['actor']}  {p['created_at']}" for p in found["items"]]
    print_document(found, as_json=as_json, lines=lines or ["no stored policies; `default` is built in"])


@policies.command("add")
@click.argument("name")
@file_argument
@json_option
def policies_add(name: str, path: str, as_json: bool) -> None:
    """Check a policy document and store it as the next version."""
    made = call_api("POST", "/v1/policies", json={"name": name, "document": read_document(path)})
    print_document(made, as_json=as_json, lines=[f"policy {made['name']}@{made['version']} stored"])


@main.command()
@click.option("--subject", required=True, help="As the events named them; '-' reads it from standard input.")
@reason_option
@json_option
def erase(subject: str, reason: str, as_json: bool) -> None:
    """Erase a subject: their texts, and the ids of their events."""
    named = sys.stdin.readline().rstrip("\r\n") if subject == "-" else subject
    told = call_api("DELETE", "/v1/subjects", json={"subject": named, "reason": reason})
    line = f"{told['events']} events lost their ids, {told['texts']} texts erased, on {told['routes']} routes"
    print_document(told, as_json=as_json, lines=[line])


@main.command()
def openapi() -> None:
    """Print the OpenAPI document of the service."""
    from monitor.factory import Factory
    from monitor.main import create_app

    click.echo(json.dumps(create_app(Factory(_settings())).openapi(), indent=2))


@main.command()
@click.option("--headless", is_flag=True, help="End after the result instead of keeping the console up.")
@click.option("--json", "as_json", is_flag=True, help="Last line: one JSON object; progress goes to standard error.")
@click.option("--fault", type=click.Choice(list(FAULTS)), default=None, help="What goes wrong; see docs/demo.md.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--engines", type=click.Choice(["simulated", "llamacpp"]), default="simulated", show_default=True)
@click.option(
    "--target",
    type=click.Choice(["envoy", "httproute"]),
    default="envoy",
    show_default=True,
    help="What keeps the route: Envoy's own file, or an object in a Kubernetes API server; see docs/demo.md.",
)
@click.option("--keep", is_flag=True, help="Keep the temporary directory.")
def demo(headless: bool, as_json: bool, fault: str | None, seed: int, engines: str, target: str, keep: bool) -> None:
    """Show the whole way: traffic, drift, verified rollback, with a real Envoy and PostgreSQL."""
    from monitor.demo.options import DemoOptions, EngineKind
    from monitor.demo.routers import RouterKind
    from monitor.demo.run import run_demo

    try:
        options = DemoOptions(
            headless=headless,
            json=as_json,
            fault=fault,
            seed=seed,
            engines=EngineKind(engines),
            target=RouterKind(target),
            keep=keep,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    sys.exit(run_demo(options))


policies.add_command(try_policy)
main.add_command(attribution)
main.add_command(bench)
main.add_command(calibrate_command)
main.add_command(score)
main.add_command(findings)
for command in (flip, recover, pin, unpin, freeze, unfreeze):
    main.add_command(command)
main.add_command(incidents)
main.add_command(plan)
main.add_command(replay)
main.add_command(routes)
main.add_command(variants)
