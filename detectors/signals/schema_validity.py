"""Structured answers and tool calls that do not parse or do not match their JSON Schema."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any, ClassVar, NoReturn

import jsonschema_rs
import msgspec
from typing_extensions import override

from detectors.base import Signal
from detectors.signals._schema_cost import Refused, SchemaCost, cost_of
from detectors.types import Answer, Exchange, Failure, Margin, Outcome, Reading, Request, SignalKind, ToolCall

__all__ = ["MAX_ANSWER_CHARS", "MAX_SCHEMA_BYTES", "UNREAD", "SchemaValidity", "unfit"]

MAX_ANSWER_CHARS = 1 << 20
"""Longer answers are bad unread: far beyond any token limit, they are runaway generations."""
MAX_SCHEMA_BYTES = 1 << 18
"""Longer schemas are not read at all."""
MAX_PATTERN_BYTES = 1 << 20
"""Most memory of one compiled regular expression: a few milliseconds to compile."""
UNREAD: Counter[str] = Counter()
"""Why there was no reading although structure was asked for: how often, by reason."""
_CACHED_SCHEMAS = 512
_LENGTH = "length"
_TOO_COSTLY = "too_costly"


@dataclass(frozen=True, slots=True)
class SchemaValidity(Signal):
    """1 when the requested structure is not there.

    Sees JSON that does not parse (fenced or wrapped in prose too), is cut off, is empty, nests too deeply
    or does not match the schema; and tool calls of unknown tools or with arguments that do not parse or
    match. Misses values that are valid but wrong, and whether a tool should have been called. ``format`` is
    an annotation, not a check. A repeated key counts as its last value; NaN, infinities and numbers beyond
    a double are not JSON here.

    Applies when a JSON schema or a JSON object was requested, or tools were offered. A schema that cannot
    be compiled (invalid, remote or circular reference, back-tracking regular expression, over 256 KiB) is the
    request's fault: no reading, and neither when the bound of :mod:`_schema_cost` says that checking this value
    would take too long; ``UNREAD`` counts both by reason. The model's own refusal is not bad here, ``refusal``
    counts it. A request that failed without an answer is bad.
    """

    name: ClassVar[str] = "schema_validity"
    version: ClassVar[int] = 1
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Schema failures"
    unit: ClassVar[str] = "share of requests"
    default_margin: ClassVar[Margin] = Margin(absolute=0.005)

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return 1 with the class of the fault, 0, or None when not applicable or not logged."""
        request, answer = exchange.request, exchange.answer
        if request is None or not _applies(request) or exchange.outcome.failure is Failure.CANCELLED:
            return None
        reading = _read_answer(answer, request) if answer is not None else None
        if reading is None and exchange.outcome.failed:
            return self.read_failure(exchange.outcome)
        return reading

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return 1: structure was asked for and none came; 0 if the client went away."""
        if outcome.failure is Failure.CANCELLED:
            return Reading(0.0, "cancelled")
        return Reading(1.0, "no_answer")


def _applies(request: Request) -> bool:
    """Tell from the request alone whether there is a reading: nothing matches a schema nobody can compile."""
    if request.response_schema is None and not request.json_object and not request.tools:
        return False
    for schema in (request.response_schema, *request.tools.values()):
        if schema is not None and isinstance(reason := _compiled(schema), str):
            UNREAD[reason] += 1
            return False
    return True


def unfit(schema: Mapping[str, Any] | bool) -> str | None:
    """Return why a schema cannot be used, None if it can."""
    compiled = _compiled(schema)
    return compiled if isinstance(compiled, str) else None


def _cut_off(answer: Answer) -> bool:
    return answer.finish_reason == _LENGTH


def _read_answer(answer: Answer, request: Request) -> Reading | None:
    if answer.refusal:
        return Reading(0.0, "refused")
    if answer.tool_calls:
        return _read_calls(answer, request.tools)
    if answer.text is None:
        return None
    if request.response_schema is None and not request.json_object:
        return Reading(0.0, "no_call")
    return _read_text(answer.text, _cut_off(answer), request)


def _read_text(text: str, cut_off: bool, request: Request) -> Reading | None:
    if len(text) > MAX_ANSWER_CHARS:
        return Reading(1.0, "oversize")
    if not text.strip():
        return Reading(1.0, "truncated" if cut_off else "empty")
    fault, value = _parse(text)
    if fault:
        return Reading(1.0, "truncated" if cut_off and fault == "not_json" else fault)
    if request.response_schema is None:
        return Reading(0.0, "valid") if isinstance(value, dict) else Reading(1.0, "schema_mismatch")
    fault = _mismatch(request.response_schema, value, len(text), "schema_mismatch")
    if fault == _TOO_COSTLY:
        return None
    return Reading(1.0, fault) if fault else Reading(0.0, "valid")


def _read_calls(answer: Answer, tools: Mapping[str, Mapping[str, Any] | None]) -> Reading | None:
    unread = False
    for call in answer.tool_calls:
        fault = _call_fault(call, tools)
        if fault == _TOO_COSTLY:
            unread = True
        elif fault:
            cut_off = _cut_off(answer) and fault == "tool_arguments_not_json"
            return Reading(1.0, "truncated" if cut_off else fault)
    return None if unread else Reading(0.0, "valid")


def _call_fault(call: ToolCall, tools: Mapping[str, Mapping[str, Any] | None]) -> str | None:
    if call.name not in tools:
        return "unknown_tool"
    if len(call.arguments) > MAX_ANSWER_CHARS:
        return "oversize"
    fault, value = _parse(call.arguments)
    if fault:
        return "tool_arguments_not_json" if fault == "not_json" else fault
    if not isinstance(value, dict):
        return "tool_arguments_invalid"
    schema = tools[call.name]
    return None if schema is None else _mismatch(schema, value, len(call.arguments), "tool_arguments_invalid")


def _parse(text: str) -> tuple[str | None, Any]:
    """Return (fault, value)."""
    try:
        return None, msgspec.json.decode(text)
    except RecursionError:
        return "too_deep", None
    except ValueError:  # malformed, lone surrogates, numbers out of range
        return "not_json", None


def _mismatch(schema: Mapping[str, Any] | bool, value: Any, size: int, fault: str) -> str | None:
    """Return the fault of a value that was decoded from ``size`` characters, if it has one."""
    compiled = _compiled(schema)
    if isinstance(compiled, str):
        return None
    if not compiled.cost.affords(value, size):
        UNREAD[_TOO_COSTLY] += 1
        return _TOO_COSTLY
    try:
        return None if compiled.validator.is_valid(value) else fault
    except (RecursionError, ValueError):
        return "too_deep"


@dataclass(frozen=True, slots=True)
class _Key:
    """A schema known by the digest of its canonical form."""

    digest: bytes
    schema: Any = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A schema ready for use, with the bound of what using it takes."""

    validator: jsonschema_rs.Validator
    cost: SchemaCost


def _compiled(schema: Mapping[str, Any] | bool) -> _Compiled | str:
    """Return the schema compiled, or why it is not."""
    try:
        canonical = msgspec.json.encode(schema, order="deterministic")
    except (RecursionError, TypeError, ValueError):
        return "not_json"
    if len(canonical) > MAX_SCHEMA_BYTES:
        return "too_large"
    return _compile(_Key(blake2b(canonical, digest_size=16).digest(), schema))


@lru_cache(maxsize=_CACHED_SCHEMAS)
def _compile(key: _Key) -> _Compiled | str:
    try:
        cost = cost_of(key.schema)
        validator = jsonschema_rs.validator_for(
            key.schema,
            retriever=_never_fetch,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES),
            validate_formats=False,
        )
    except Refused as refused:
        return refused.reason
    except (RecursionError, TypeError, ValueError):
        return "invalid"
    return _Compiled(validator, cost)


def _never_fetch(uri: str) -> NoReturn:
    raise ValueError(f"remote references are not followed (a reference of {len(uri)} characters)")
