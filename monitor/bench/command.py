"""``fullback bench``: the benchmarks on the command line."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter
from typing import Any, Final

import click
from click.core import ParameterSource

from monitor.bench.options import BenchOptions
from monitor.errors import FullbackError
from monitor.models.text import TextMode

__all__ = ["bench"]

_MODES: Final = ("rate_share", "compare_group_commit", "stored", "soak")
_COPY: Final = "copy"
"""The mode without an option of its own: pairs with COPY."""
_FITS: Final[Mapping[str, frozenset[str]]] = {
    "group_commit": frozenset({_COPY, "rate_share", "stored", "soak"}),
    "processes": frozenset({_COPY, "rate_share"}),
    "text": frozenset({"compare_group_commit", "stored", "soak"}),
    "rounds": frozenset({_COPY, "rate_share", "compare_group_commit", "stored"}),
    "events": frozenset({_COPY, "rate_share", "compare_group_commit", "stored"}),
    "seconds": frozenset({"rate_share"}),
    "arrivals": frozenset({"rate_share"}),
    "writers": frozenset({"compare_group_commit"}),
    "partitions": frozenset({"stored"}),
    "sample_seconds": frozenset({"soak"}),
}
"""Options that only some modes have."""

_Plan = tuple[Callable[[Callable[[str], None]], dict[str, Any]], Callable[[dict[str, Any]], list[str]]]
"""What runs, telling its progress, and returns a document; and what makes of it lines for people."""


@click.group()
def bench() -> None:
    """Measure the service against what PostgreSQL itself can take."""


@bench.command("ingest")
@click.option("--batch", type=int, default=500, show_default=True, help="Events in one request.")
@click.option("--connections", type=int, default=8, show_default=True)
@click.option("--encoding", type=click.Choice(["none", "gzip", "zstd"]), default="gzip", show_default=True)
@click.option("--format", type=click.Choice(["ndjson", "json"]), default="ndjson", show_default=True)
@click.option("--signals", type=click.Choice(["on", "off"]), default="on", show_default=True, help="Text signals.")
@click.option(
    "--group-commit", type=click.Choice(["on", "off"]), default="on", show_default=True, help="off: one a request."
)
@click.option("--redact", type=click.Choice(["on", "off"]), default="off", show_default=True, help="Built-in rules.")
@click.option("--text", type=click.Choice(["all", "none"]), default="all", show_default=True, help="Which are kept.")
@click.option("--processes", type=int, default=1, show_default=True, help="Server processes that share the load.")
@click.option("--rounds", type=int, default=5, show_default=True)
@click.option("--events", type=int, default=30_000, show_default=True, help="Events in one round, on each side.")
@click.option("--rate-share", type=float, help="Then send this share of the maximum rate in an open loop.")
@click.option("--seconds", type=float, default=30.0, show_default=True, help="How long the open loop lasts.")
@click.option("--arrivals", type=click.Choice(["poisson", "even"]), default="poisson", show_default=True)
@click.option("--compare-group-commit", is_flag=True, help="Pairs with one transaction a request instead of COPY.")
@click.option("--writers", type=int, default=8, show_default=True, help="Its several connections.")
@click.option("--stored", type=int, help="Pairs of a database with so many rows and an empty one, instead of COPY.")
@click.option(
    "--partitions", type=int, default=365, show_default=True, help="Days that the stored rows are spread over."
)
@click.option("--soak", type=int, help="Send so many events and watch the server's memory, instead of COPY.")
@click.option("--sample-seconds", type=float, default=2.0, show_default=True, help="Between two looks at the memory.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
@click.pass_context
def ingest(context: click.Context, /, as_json: bool, **chosen: Any) -> None:
    """Alternate the real HTTP server with a binary COPY of the same rows, or as another option says; print every pair.

    Databases are made for the run, on FULLBACK_DATABASE_URL or an embedded PostgreSQL, and dropped afterwards.
    """
    mode = _mode(context, chosen)
    began = perf_counter()

    def say(line: str) -> None:
        click.echo(f"[{perf_counter() - began:7.1f} s] {line}", err=True)

    try:
        run, render = _PLANS[mode](chosen)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        document = run(say)
    except FullbackError as error:
        raise click.ClickException(f"{error.title}: {error.detail}") from None
    for line in [json.dumps(document)] if as_json else render(document):
        click.echo(line)


@bench.command("evaluate")
@click.option("--events", type=int, default=100_000, show_default=True, help="Events in one tick.")
@click.option("--streams", type=int, default=500, show_default=True, help="Streams, about.")
@click.option("--rounds", type=int, default=5, show_default=True, help="Ticks that are measured.")
@click.option("--stored", type=int, default=0, show_default=True, help="Rows of the days before.")
@click.option("--partitions", type=int, default=365, show_default=True, help="Days that those are spread over.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
def evaluate(as_json: bool, **chosen: int) -> None:
    """Close ticks of generated traffic and tell what reading, pairing, counting, folding and storing took."""
    from monitor.bench.evaluate import EvaluateOptions, render, run

    began = perf_counter()
    try:
        options = EvaluateOptions(**chosen)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    try:
        document = run(options, lambda line: click.echo(f"[{perf_counter() - began:7.1f} s] {line}", err=True))
    except FullbackError as error:
        raise click.ClickException(f"{error.title}: {error.detail}") from None
    for line in [json.dumps(document)] if as_json else render(document):
        click.echo(line)


@bench.command("fold")
@click.option("--streams", type=int, default=500, show_default=True, help="Streams that are folded together.")
@click.option("--ticks", type=int, default=400, show_default=True, help="Ticks of one round.")
@click.option("--rounds", type=int, default=5, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
def fold(as_json: bool, **chosen: int) -> None:
    """Fold drawn counts into streams and tell how many ticks of streams one processor folds in a second."""
    from monitor.bench.fold import FoldOptions, render, run

    try:
        options = FoldOptions(**chosen)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    document = run(options, lambda line: click.echo(line, err=True))
    for line in [json.dumps(document)] if as_json else render(document):
        click.echo(line)


def _mode(context: click.Context, chosen: Mapping[str, Any]) -> str:
    """Return the mode, which every given option must fit."""

    def flag(name: str) -> str:
        return "--" + name.replace("_", "-")

    modes = [name for name in _MODES if chosen[name] is not None and chosen[name] is not False]
    if len(modes) > 1:
        raise click.UsageError(f"choose one of {', '.join(map(flag, modes))}")
    mode = modes[0] if modes else _COPY
    for name, fitting in _FITS.items():
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE and mode not in fitting:
            where = f"with {flag(mode)}" if modes else "without " + " or ".join(map(flag, sorted(fitting)))
            raise click.UsageError(f"{flag(name)} has no meaning {where}")
    return mode


def _options(chosen: Mapping[str, Any]) -> BenchOptions:
    return BenchOptions(
        batch=chosen["batch"],
        connections=chosen["connections"],
        encoding=chosen["encoding"],
        format=chosen["format"],
        signals="all" if chosen["signals"] == "on" else "timing",
        group_commit=chosen["group_commit"] == "on",
        redact=chosen["redact"] == "on",
        text=TextMode(chosen["text"]),
        processes=chosen["processes"],
        rounds=chosen["rounds"],
        events=chosen["events"],
    )


def _copy(chosen: Mapping[str, Any]) -> _Plan:
    from monitor.bench.ingest import render, run

    return partial(run, _options(chosen)), render


def _rate_share(chosen: Mapping[str, Any]) -> _Plan:
    from monitor.bench.paced import Pace, render, run

    return partial(run, _options(chosen), Pace(chosen["rate_share"], chosen["seconds"], chosen["arrivals"])), render


def _compare_group_commit(chosen: Mapping[str, Any]) -> _Plan:
    from monitor.bench.group_commit import Rivals, render, run

    return partial(run, _options(chosen), Rivals(chosen["writers"])), render


def _stored(chosen: Mapping[str, Any]) -> _Plan:
    from monitor.bench.stored import Stored, render, run

    return partial(run, _options(chosen), Stored(chosen["stored"], chosen["partitions"])), render


def _soak(chosen: Mapping[str, Any]) -> _Plan:
    from monitor.bench.soak import Soak, render, run

    return partial(run, _options(chosen), Soak(chosen["soak"], chosen["sample_seconds"])), render


_PLANS: Final[Mapping[str, Callable[[Mapping[str, Any]], _Plan]]] = {
    _COPY: _copy,
    "rate_share": _rate_share,
    "compare_group_commit": _compare_group_commit,
    "stored": _stored,
    "soak": _soak,
}
