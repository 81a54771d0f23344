"""Mutation fuzzing of everything between a request body and the writer: decompress, split, parse, signals, skeleton.

``python -m tests.fuzz.fuzz_intake --seconds 600 --json``

Each case is a body, an encoding and a door, made from a seed alone. A case fails if anything but the documented errors
comes out, if a record is neither an event nor a rejection with a known code, if bytes that were sent show up in a
rejection, or if it takes longer than its size allows. Failing cases are written to a folder.
"""

import argparse
import gzip
import json
import random
import re
import signal
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import zstandard

from monitor.errors import PayloadTooLargeError, UndecodableError, UnsupportedEncodingError
from monitor.intake.codes import Code
from monitor.intake.decode import decompress, split
from monitor.intake.doors import DOORS
from monitor.intake.limits import Limits
from monitor.intake.skeleton import skeleton
from monitor.models.event import Event, Rejection
from monitor.services.ingest import readings_of
from tests.support.events import access_line, body, event, reply

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LIMITS = Limits(max_body_bytes=1 << 18, max_decoded_bytes=1 << 20, max_record_bytes=1 << 16, max_batch_records=2_000)
DOCUMENTED = (PayloadTooLargeError, UndecodableError, UnsupportedEncodingError)
CODES = frozenset(code.value for code in Code)
SECONDS_FLAT = 1.0
SECONDS_PER_MIB = 4.0
"""Generous: a case has never taken a tenth of it that was not at fault."""
HANGS_AFTER_S = 30
SECRET = "Zq7fuzzsecret"
ENCODINGS = (None, None, None, "gzip", "zstd", "deflate", "identity", "gzip, zstd", "br", "x-gzip", "GZIP", "", "none")
WRAPS: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    bytes,
    bytes,
    lambda raw: gzip.compress(raw, 1),
    lambda raw: zlib.compress(raw, 1),
    zstandard.compress,
    lambda raw: zstandard.compress(gzip.compress(raw, 1)),
    lambda raw: gzip.compress(raw[: len(raw) // 2], 1) + gzip.compress(raw[len(raw) // 2 :], 1),
    lambda raw: b"\xef\xbb\xbf" + raw,
    lambda raw: raw.decode("utf-8", "replace").encode("utf-16"),
    lambda raw: raw.decode("utf-8", "replace").encode("latin-1", "replace"),
)
BITS = (
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"\n", b"\\", b"\\u0000", b"\\ud800", b"\\udc00\\ud800", b"\xff\xfe"),
    *(b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-1e-999", b"9" * 400, b"18446744073709551616", b"-0", b"0x1"),
    *(
        b"data: ",
        b"data: [DONE]\n\n",
        b"\r\n\r\n",
        b"event: x\n",
        b"\x00",
        b"\x1e",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
    ),
    *(b'{"$ref":"#"}', b'{"$ref":"http://203.0.113.1/x"}', b'{"pattern":"(a+)+$"}', b'{"enum":[[],{}]}'),
    *(b'"request_id":', b'"started_at":', b'"attempt":', b'"status":', b'"schema":', b'"type":', b'"choices":'),
)
NUMBERS = (b"0", b"-1", b"1e308", b"1e-400", b"9" * 30, b"2147483648", b"1.7e12", b"true", b"null", b'""', b"[]", b"{}")
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
NAME = re.compile(rb'"[a-z_]+": ')


def corpus() -> list[bytes]:
    """Bodies as shippers send them: each door, each dialect, each framing."""
    tool = {"type": "function", "function": {"name": "find", "parameters": {"type": "object", "required": ["q"]}}}
    call = {"id": "c", "type": "function", "function": {"name": "find", "arguments": '{"q": 1}'}}
    anthropic = {"model": "m", "system": "be brief", "max_tokens": 9, "messages": [{"role": "user", "content": SECRET}]}
    said = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": SECRET}]}
    chunk = {"choices": [{"index": 0, "delta": {"content": SECRET}, "finish_reason": None}], "model": "m"}
    stream = f"data: {json.dumps(chunk)}\n\ndata: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"
    block = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": SECRET}}
    docs: list[dict[str, Any]] = [
        event("r1", NOW),
        event("r2", NOW, response=reply(SECRET), mirrored=True, session_id="s", ttft_ms=3.5),
        event(
            "r3", NOW, request={**body(), "tools": [tool]}, response={"choices": [{"message": {"tool_calls": [call]}}]}
        ),
        event(
            "r4", NOW, request=anthropic, response={"content": [{"type": "text", "text": SECRET}], "stop_reason": "x"}
        ),
        event(
            "r5",
            NOW,
            request={"input": SECRET, "text": {"format": {"type": "json_object"}}},
            response={"output": [said]},
        ),
        event("r6", NOW, response=None, response_sse=stream, stream=True),
        event("r7", NOW, response=None, response_sse=f"event: m\ndata: {json.dumps(block)}\n\n"),
        event("r8", NOW, status=500, error="timeout", response={"error": {"message": SECRET}}),
    ]
    lines = [
        access_line("r1", NOW),
        access_line("r2", NOW, response_flags="UT,DC", response_code="504", duration="1.5"),
    ]
    found = [json.dumps(doc).encode() for doc in (*docs, *lines)]
    found += [
        json.dumps(docs).encode(),
        b"\n".join(found),
        b"".join(found[:4]),
        json.dumps({"events": docs[:3]}).encode(),
    ]
    found += [json.dumps(docs[:2], indent=1).encode(), json.dumps(lines).encode(), b"[" + found[0] + b"," + found[1]]
    return found


CORPUS = corpus()


def mutated(chance: random.Random) -> bytes:
    """Return a body that began as a valid one."""
    raw = chance.choice(CORPUS)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 5, 9))):
        raw = chance.choice(MUTATIONS)(raw, chance)[: 1 << 17]
    return raw


def flip(raw: bytes, chance: random.Random) -> bytes:
    out = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 8)) if out else 0):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def cut(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)] if chance.random() < 0.7 else raw[chance.randrange(len(raw) + 1) :]


def splice(raw: bytes, chance: random.Random) -> bytes:
    other = chance.choice(CORPUS)
    return raw[: chance.randrange(len(raw) + 1)] + other[chance.randrange(len(other) + 1) :]


def insert(raw: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(raw) + 1)
    return raw[:at] + chance.choice(BITS) * chance.choice((1, 1, 1, 2, 40)) + raw[at:]


def nest(raw: bytes, chance: random.Random) -> bytes:
    """Put something deep where a value was, whole or never closed."""
    depth = chance.choice((5, 130, 1_100, 20_000))
    opening, closing = chance.choice(
        ((b"[", b"]"), (b'{"a":', b"}"), (b'{"allOf":[', b"]}"), (b'{"properties":{"a":', b"}}"))
    )
    deep = opening * depth + b"1" + closing * chance.choice((depth, depth, depth - 1, 0))
    places = [found.end() for found in NAME.finditer(raw)] or [0]
    at = chance.choice(places)
    return raw[:at] + deep + chance.choice((b",", b"")) + raw[at:]


def repeat(raw: bytes, chance: random.Random) -> bytes:
    """Repeat a stretch, which repeats keys, records and brackets."""
    start = chance.randrange(len(raw) + 1)
    end = min(len(raw), start + chance.choice((1, 10, 100, 2_000)))
    return raw[:end] + raw[start:end] * chance.choice((1, 2, 50)) + raw[end:]


def renumber(raw: bytes, chance: random.Random) -> bytes:
    places = list(NUMBER.finditer(raw))
    if not places:
        return raw
    place = chance.choice(places)
    return raw[: place.start()] + chance.choice(NUMBERS) + raw[place.end() :]


def rekey(raw: bytes, chance: random.Random) -> bytes:
    """Swap one field's name for another, so that values stand where others belong."""
    places = list(NAME.finditer(raw))
    if not places:
        return raw
    one, other = chance.choice(places), chance.choice(places)
    return raw[: one.start()] + other[0] + raw[one.end() :]


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(flip, flip, cut, splice, insert, insert),
    *(nest, repeat, renumber, renumber, rekey, rekey),
)


@dataclass(frozen=True)
class Case:
    """One request as it would arrive."""

    sent: bytes
    encoding: str | None
    door: str


def case_of(seed: int) -> Case:
    chance = random.Random(seed)  # noqa: S311 - cases, not secrets
    sent = chance.choice(WRAPS)(mutated(chance))
    if chance.random() < 0.2:
        sent = chance.choice((flip, cut, splice, insert))(sent, chance)
    return Case(sent, chance.choice(ENCODINGS), chance.choice(sorted(DOORS)))


@dataclass
class Report:
    """What was run and what came of it."""

    cases: int = 0
    records: int = 0
    events: int = 0
    readings: int = 0
    rejections: Counter[str] = field(default_factory=Counter)
    refused_bodies: Counter[str] = field(default_factory=Counter)
    slowest_ms: float = 0.0
    slowest_seed: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)


def check(case: Case, report: Report) -> None:
    """Run one case; raises AssertionError, or whatever came out that should not have."""
    try:
        parts = split(decompress(case.sent, case.encoding, LIMITS), LIMITS)
    except DOCUMENTED as error:
        report.refused_bodies[type(error).__name__] += 1
        refused = str(error)
    else:
        refused = None
    if refused is not None:
        assert SECRET not in refused, "text in an error"
        return
    assert len(parts) <= LIMITS.max_batch_records
    stored = rejected = 0
    for index, part in enumerate(parts):
        found = part if isinstance(part, Rejection) else DOORS[case.door].parse(part, index, NOW, LIMITS).result
        if isinstance(found, Rejection):
            rejected += 1
            report.rejections[found.code] += 1
            assert found.code in CODES, "a code nobody knows"
            assert SECRET not in repr(found), "text in a rejection"
        else:
            assert isinstance(found, Event), "neither an event nor a rejection"
            stored += 1
            _check_event(found)
            readings = readings_of(found.exchange)
            assert all(value == value for value in readings.values()), "a reading that is no number"  # noqa: PLR0124
            report.readings += len(readings)
        shape = skeleton(part) if isinstance(part, bytes) else None
        assert shape is None or SECRET not in shape, "text in a skeleton"
    assert stored + rejected == len(parts), "a record is not accounted for"
    report.records += len(parts)
    report.events += stored


def _check_event(found: Event) -> None:
    assert found.request_id
    assert found.started_at.tzinfo is not None
    assert NOW - LIMITS.max_age <= found.started_at <= NOW + LIMITS.max_lead
    for text in (found.request_id, found.event_id, found.backend, found.host, found.route, found.session_id):
        assert text is None or len(text) <= 512, "an id without bounds"
        assert text is None or text.isprintable() or not re.search(r"[\x00-\x1f]", text), "a control character"
    assert timedelta(0) <= timedelta(milliseconds=found.duration_ms or 0) < timedelta(days=2)


@contextmanager
def _watched() -> Iterator[None]:
    """Turn a hang into an error, where signals can."""

    def hung(*_: Any) -> None:
        raise AssertionError(f"a hang of {HANGS_AFTER_S} s")

    before = signal.signal(signal.SIGALRM, hung)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fuzz(seed: int, *, seconds: float | None = None, cases: int | None = None, save: Path | None = None) -> Report:
    """Run cases from a seed on, for a time or a number."""
    report = Report()
    began = time.monotonic()
    with _watched():
        while (cases is None or report.cases < cases) and (seconds is None or time.monotonic() - began < seconds):
            number = seed + report.cases
            report.cases += 1
            case = case_of(number)
            signal.alarm(HANGS_AFTER_S)
            start = time.process_time()
            try:
                check(case, report)
                spent = time.process_time() - start
                limit = SECONDS_FLAT + SECONDS_PER_MIB * len(case.sent) / (1 << 20)
                assert spent < limit, f"{spent:.2f} s for {len(case.sent)} bytes"
            except Exception as error:  # noqa: BLE001 - the finding
                report.findings.append({"seed": number, "error": f"{type(error).__name__}: {str(error)[:200]}"})
                if save is not None:
                    save.mkdir(parents=True, exist_ok=True)
                    (save / f"{number}.bin").write_bytes(case.sent)
            else:
                if spent * 1000 > report.slowest_ms:
                    report.slowest_ms, report.slowest_seed = round(spent * 1000, 1), number
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz the intake.")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="folder for failing cases")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    report = fuzz(asked.seed, seconds=asked.seconds, save=asked.save)
    if asked.json:
        print(json.dumps(vars(report)))
    else:
        print(f"{report.cases} cases, {report.records} records, {report.events} events, {report.readings} readings")
        print(f"rejections {dict(report.rejections)}; bodies refused {dict(report.refused_bodies)}")
        print(f"slowest {report.slowest_ms} ms (seed {report.slowest_seed}); findings: {report.findings or 'none'}")
    sys.exit(1 if report.findings else 0)


if __name__ == "__main__":
    main()
