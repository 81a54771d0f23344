"""``fullback bench``: the benchmarks on the command line."""

import json

import click

__all__ = ["bench"]


@click.group()
def bench() -> None:
    """Measure the service against what PostgreSQL itself can take."""


@bench.command("ingest")
@click.option("--batch", type=int, default=500, show_default=True, help="Events in one request.")
@click.option("--connections", type=int, default=8, show_default=True)
@click.option("--encoding", type=click.Choice(["none", "gzip", "zstd"]), default="gzip", show_default=True)
@click.option("--format", "format_", type=click.Choice(["ndjson", "json"]), default="ndjson", show_default=True)
@click.option("--signals", type=click.Choice(["on", "off"]), default="on", show_default=True, help="Text signals.")
@click.option(
    "--group-commit", type=click.Choice(["on", "off"]), default="on", show_default=True, help="off: one a request."
)
@click.option("--redact", type=click.Choice(["on", "off"]), default="off", show_default=True, help="Built-in rules.")
@click.option("--rounds", type=int, default=5, show_default=True)
@click.option("--events", type=int, default=30_000, show_default=True, help="Events in one round.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
def ingest(
    batch: int,
    connections: int,
    encoding: str,
    format_: str,
    signals: str,
    group_commit: str,
    redact: str,
    rounds: int,
    events: int,
    as_json: bool,
) -> None:
    """Alternate the real HTTP server with a binary COPY of the same rows; print every pair."""
    from monitor.bench.ingest import BenchOptions, render, run_bench

    try:
        options = BenchOptions(
            batch=batch,
            connections=connections,
            encoding=encoding,
            format=format_,
            signals="all" if signals == "on" else "timing",
            group_commit=group_commit == "on",
            redact=redact == "on",
            rounds=rounds,
            events=events,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    document = run_bench(options)
    for line in [json.dumps(document)] if as_json else render(document):
        click.echo(line)
