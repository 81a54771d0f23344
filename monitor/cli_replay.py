"""``fullback replay``: the whole pipeline over recorded events under a virtual clock; nothing leaves the machine."""

import asyncio
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from monitor.cli_output import json_option, print_document
from monitor.client import read_document
from monitor.errors import FullbackError
from monitor.models.route import Mode
from monitor.services.policies import DEFAULT_POLICY, parse_policy

__all__ = ["replay"]

_START = "2026-01-01T00:00:00Z"


@click.command()
@click.argument("source", metavar="FILE")
@click.option("--policy", type=click.Path(exists=True, dir_okay=False), help="Policy document; else the default one.")
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]), default="observe", show_default=True)
@click.option("--baseline", metavar="NAME", help="The reference variant, where names and legs do not tell it.")
@click.option(
    "--route", "routes", multiple=True, type=click.Path(exists=True, dir_okay=False), metavar="ROUTE.yaml",
    help="A route as for `fullback routes add`; else made from the events.",
)  # fmt: skip
@click.option(
    "--mirror", type=click.FloatRange(0, 100, min_open=True), metavar="PERCENT", help="What the mirror copies."
)
@click.option("--rate", type=click.FloatRange(0.001, 10_000), default=10.0, show_default=True,
              help="A directory of answers: requests a second.")  # fmt: skip
@click.option("--start", default=_START, show_default=True, help="A directory of answers: when the first one starts.")
@click.option("--lag", type=click.FloatRange(0, 3600), default=1.0, show_default=True,
              help="Seconds from the end of an attempt to its receipt.")  # fmt: skip
@click.option("--warm-up", is_flag=True, help="Live through the policy's warm-up first, as a new route would.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 if an alarm was raised.")
@json_option
def replay(
    source: str,
    policy: str | None,
    mode: str,
    baseline: str | None,
    routes: tuple[str, ...],
    mirror: float | None,
    rate: float,
    start: str,
    lag: float,
    warm_up: bool,
    exit_code: bool,
    as_json: bool,
) -> None:
    """Replay recorded events through ingest, evaluation and the controller: verdicts, decisions, timeline.

    FILE holds events as posted to /v1/events or lines of an access log (.gz too, - for standard input), or is a
    directory of answers, one file a variant: DIR/<variant>.jsonl with an id or prompt and a response on each line.
    A PostgreSQL of its own runs in a temporary directory; the router is in memory.
    """
    from monitor.replay.run import open_source, run_replay
    from monitor.replay.stage import StageOptions
    from monitor.storage.throwaway import throwaway_database
    from monitor.telemetry import configure_logging

    configure_logging("error")
    try:
        name = DEFAULT_POLICY if policy is None else Path(policy).name
        document: Any = {} if policy is None else read_document(policy) or {}
        parse_policy(name, 0, document)  # before a database is started for it
        options = StageOptions(
            policy=document,
            mode=Mode(mode),
            baseline=baseline,
            routes=tuple(read_document(path) for path in routes),
            mirror_percent=mirror,
            warm_up=warm_up,
        )
        with (
            closing(open_source(source, baseline, rate, _instant(start), lag)) as opened,
            throwaway_database() as database,
        ):
            told, lines = asyncio.run(
                run_replay(database, opened, options, name, lambda line: click.echo(line, err=True))
            )
    except FullbackError as error:
        raise click.ClickException(f"{error.title}: {error.detail}") from None
    print_document(told, as_json=as_json, lines=lines)
    if exit_code and told["alarms"]:
        sys.exit(1)


def _instant(value: str) -> float:
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise click.UsageError(f"--start {value!r}: write a time like {_START}") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
