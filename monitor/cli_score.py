"""``fullback score``: one signal over a file of answers, one JSON line for each; nothing leaves the machine."""

import gzip
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from detectors.base import Signal
from detectors.errors import UnknownSignalError
from detectors.registry import all_names, signal
from detectors.types import Reading, SignalKind
from monitor.errors import FullbackError
from monitor.services.exchanges import CHAT, FIELDS, Mapped, exchange_of, legs_of, mapping_of
from monitor.services.pair_reading import read_pair

__all__ = ["score"]

_PROGRESS_EVERY_S = 2.0
_LEGS = ("candidate", "baseline")


@click.command(epilog=f"Fields for --map: {', '.join(FIELDS)}.  Signals: {', '.join(all_names())}.")
@click.argument("name", metavar="SIGNAL")
@click.option("--in", "source", required=True, metavar="FILE", help="JSON lines, .gz too; - for standard input.")
@click.option("--out", "target", default="-", show_default=True, metavar="FILE", help="Where the readings go.")
@click.option("--text", metavar="FIELD", help="Where an answer to a chat is: --map text=FIELD, and no prompt needed.")
@click.option("--map", "pairs", multiple=True, metavar="FIELD=PATH", help="Where a field is: a.b.0 or /a/b/0.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary (on standard error) as JSON.")
def score(name: str, source: str, target: str, text: str | None, pairs: tuple[str, ...], as_json: bool) -> None:
    """Run one signal over a file: {id, value, reason} for each line; value is null where it does not apply.

    Signals that compare two legs (agreement) read both from one line: --map candidate=PATH --map baseline=PATH; the
    value is 1 where they ended in different answers.
    """
    fields = _fields(text, pairs)
    try:
        chosen = signal(name)
    except UnknownSignalError as error:
        raise click.UsageError(str(error)) from None
    legs = _names_legs(chosen, pairs)
    summary = _Summary(chosen, compares=legs)
    with ExitStack() as stack:
        try:
            lines = stack.enter_context(_opened(source))
            out = sys.stdout if target == "-" else stack.enter_context(Path(target).open("w", encoding="utf-8"))
        except OSError as error:
            raise click.ClickException(f"{error.filename}: {error.strerror}") from None
        for number, line in _objects(lines, summary):
            found = _read(chosen, line, fields, legs=legs, answers=text is not None)
            summary.count(found)
            out.write(json.dumps({"id": _identity(line, fields, number), **_told(found)}) + "\n")
    summary.show(as_json=as_json)
    if summary.faults:
        sys.exit(1)


class _Summary:
    """What was read, told on standard error so that standard output holds readings alone."""

    def __init__(self, chosen: Signal, *, compares: bool) -> None:
        self.name = chosen.name
        self.counts_bad = compares or chosen.kind is SignalKind.BIT
        self.lines = 0
        self.faults = 0
        self.reasons: Counter[str] = Counter()
        self.bad = 0
        self._told = time.monotonic()

    def count(self, found: Reading | None) -> None:
        self.lines += 1
        self.reasons["not_applicable" if found is None else found.reason] += 1
        self.bad += found is not None and found.value > 0
        if time.monotonic() - self._told > _PROGRESS_EVERY_S:
            self._told = time.monotonic()
            click.echo(f"{self.lines} lines", err=True)

    def fault(self, number: int) -> None:
        self.faults += 1
        click.echo(f"line {number}: not a JSON object; passed over", err=True)

    def show(self, *, as_json: bool) -> None:
        applicable = self.lines - self.reasons["not_applicable"]
        document = {
            "signal": self.name,
            "lines": self.lines,
            "applicable": applicable,
            "faulty_lines": self.faults,
            "reasons": dict(self.reasons.most_common()),
        }
        if self.counts_bad:
            document["bad"] = self.bad
        if as_json:
            click.echo(json.dumps(document), err=True)
            return
        bad = f", {self.bad} bad ({self.bad / applicable:.2%})" if "bad" in document and applicable else ""
        click.echo(f"{self.name}: {self.lines} lines, {applicable} applicable{bad}, {self.faults} faulty", err=True)
        for reason, n in self.reasons.most_common():
            click.echo(f"  {n:>8}  {reason}", err=True)


def _names_legs(chosen: Signal, pairs: tuple[str, ...]) -> bool:
    """Tell whether two legs are to be compared."""
    named = [name for name in _LEGS if any(pair.startswith(f"{name}=") for pair in pairs)]
    if named and chosen.kind is not SignalKind.PRINT:
        raise click.UsageError(
            f"--map {named[0]}: {chosen.name} reads one answer, named by text or response; agreement compares two"
        )
    return bool(named)


def _read(chosen: Signal, line: dict[str, Any], fields: Mapped, *, legs: bool, answers: bool) -> Reading | None:
    """Read one line: two legs, or one answer, which ``answers`` says is one to a chat even if no request is there."""
    if legs:
        both = legs_of(line, fields)
        return None if both is None else read_pair(chosen, *both)
    exchange = exchange_of(line, fields)
    if answers and exchange.request is None:
        exchange = replace(exchange, request=CHAT)
    return chosen.read(exchange)


def _fields(text: str | None, pairs: tuple[str, ...]) -> Mapped:
    given = {name: path for name, _, path in (pair.partition("=") for pair in pairs)}
    empty = next((field for field, path in given.items() if not path), None)
    if empty is not None:
        raise click.UsageError(f"--map {empty}: write FIELD=PATH, for example text=response.output")
    try:
        return mapping_of(given if text is None else {**given, "text": text})
    except FullbackError as error:
        raise click.UsageError(error.detail) from None


def _opened(source: str) -> AbstractContextManager[Iterable[bytes]]:
    if source == "-":
        return nullcontext(sys.stdin.buffer)
    return gzip.open(source, "rb") if source.endswith(".gz") else Path(source).open("rb")


def _objects(lines: Iterable[bytes], summary: _Summary) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        for number, raw in enumerate(lines, 1):
            if not raw.strip():
                continue
            try:
                line = msgspec.json.decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                line = None
            if isinstance(line, dict):
                yield number, line
            else:
                summary.fault(number)
    except (OSError, EOFError) as error:
        raise click.ClickException(f"the file cannot be read to its end: {type(error).__name__}") from None


def _told(found: Reading | None) -> dict[str, Any]:
    if found is None:
        return {"value": None, "reason": "not_applicable"}
    told = {"value": found.value if found.value < float("inf") else "inf", "reason": found.reason}
    return {**told, **{name: more for name in ("detail", "span") if (more := getattr(found, name)) is not None}}


def _identity(line: dict[str, Any], fields: Mapped, number: int) -> Any:
    value: Any = line
    for step in fields["id"]:
        value = value.get(step) if isinstance(value, dict) else None
    return number if value is None else value
