"""Structured answers and tool calls that do not parse or do not match their JSON Schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, TypeVar

from typing_extensions import override

from detectors.base import Signal
from detectors.signals._schema_compiled import (
    MAX_SCHEMA_BYTES,
    UNREAD,
    Compiled,
    Tools,
    compiled,
    compiled_tools,
)
from detectors.signals._schema_cost import BUDGET
from detectors.signals._schema_fault import place, violation
from detectors.signals._schema_text import Unparsed, decode, dug_out
from detectors.types import CANCELLED, Answer, Exchange, Margin, Outcome, Reading, Request, SignalKind, ToolCall

__all__ = ["MAX_ANSWER_CHARS", "MAX_CONTAINERS", "MAX_SCHEMA_BYTES", "UNREAD", "SchemaValidity", "check", "unfit"]

MAX_ANSWER_CHARS: Final = 1 << 19
"""Longer answers are bad unread: some 130,000 tokens and more are runaway generations."""
MAX_CONTAINERS: Final = 80_000
"""Answers with more objects and arrays are bad unread, too: they would take 50 ms to decode."""
_LENGTH: Final = "length"
_TOO_COSTLY: Final = "too_costly"
_NO_TOOLS: Final[Tools] = {}
_Ready = TypeVar("_Ready", Compiled, Tools)
_VALID: Final = Reading(0.0, "valid")
_NO_CALL: Final = Reading(0.0, "no_call")
_REFUSED: Final = Reading(0.0, "refused")


@dataclass(frozen=True, slots=True)
class SchemaValidity(Signal):
    """1 when the requested structure is not there.

    Sees JSON that does not parse, is fenced, wrapped in prose, cut off, empty, nested too deeply or at odds with
    the schema; and tool calls of unknown tools or with arguments that do not parse or match. The reason is one of
    a few fixed words (``docs/signals``), the detail the keyword violated and where it stands in the schema. Misses
    values that are valid but wrong, and whether a tool should have been called. ``format`` is an annotation, not a
    check. A repeated key counts as its last value; NaN, infinities and numbers beyond a double are not JSON here.

    Applies when a JSON schema or a JSON object was requested, or tools were offered. A schema that cannot
    be compiled (invalid, remote or circular reference, back-tracking regular expression, over 256 KiB) is the
    request's fault: no reading, and neither when the bound of :mod:`_schema_cost` says that checking this value
    would take too long; ``UNREAD`` counts both by reason. The model's own refusal is not bad here, ``refusal``
    counts it. A request that failed without an answer is bad. Any text takes at most some 50 ms.
    """

    name: ClassVar[str] = "schema_validity"
    version: ClassVar[int] = 2
    kind: ClassVar[SignalKind] = SignalKind.BIT
    title: ClassVar[str] = "Schema failures"
    unit: ClassVar[str] = "share of requests"
    default_margin: ClassVar[Margin] = Margin(absolute=0.005)

    @override
    def read(self, exchange: Exchange) -> Reading | None:
        """Return 1 with the class of the fault, 0, or None when not applicable or not logged."""
        request, answer = exchange.request, exchange.answer
        if request is None or exchange.outcome.failure is CANCELLED:
            return None
        wanted = _wanted(request)
        if wanted is None:
            return None
        reading = _read_answer(answer, request, wanted) if answer is not None else None
        if reading is None and exchange.outcome.failed:
            return self.read_failure(exchange.outcome)
        return reading

    @override
    def read_failure(self, outcome: Outcome) -> Reading:
        """Return 1: structure was asked for and none came; 0 if the client went away."""
        if outcome.failure is CANCELLED:
            return Reading(0.0, "cancelled")
        return Reading(1.0, "no_answer")


def check(schema: Mapping[str, Any] | bool, text: str, *, cut_off: bool = False) -> Reading | None:
    """Return the reading of one text by a schema: the core of the signal, for a schema known from anywhere.

    ``cut_off`` says that the text ended at the limit of tokens. None is returned for a schema that is not read
    and for a value that would take too long to check; ``UNREAD`` tells why.

    >>> check({"type": "array"}, "[1, 2")
    Reading(value=1.0, reason='truncated', detail=None, span=None)
    >>> check({"items": {"type": "integer"}}, '[1, "2"]').detail
    'type:/items'
    """
    ready = _noted(compiled(schema))
    return None if ready is None else _read_text(text, cut_off, ready)


_Wanted = tuple[Compiled | None, Tools]
"""What a request asks for, ready to check: the answer's schema, if it has one, and the tools offered."""


def _wanted(request: Request) -> _Wanted | None:
    """Tell from the request alone whether there is a reading: nothing matches a schema nobody can compile."""
    schema, tools = request.response_schema, request.tools
    if schema is None and not tools and not request.json_object:
        return None
    response = None if schema is None else _noted(compiled(schema))
    if schema is not None and response is None:
        return None
    offered = _noted(compiled_tools(tools)) if tools else _NO_TOOLS
    return None if offered is None else (response, offered)


def unfit(schema: Mapping[str, Any] | bool) -> str | None:
    """Return why a schema cannot be used, None if it can."""
    ready = compiled(schema)
    return ready if isinstance(ready, str) else None


def _noted(ready: _Ready | str) -> _Ready | None:
    if isinstance(ready, str):
        UNREAD[ready] += 1
        return None
    return ready


def _read_answer(answer: Answer, request: Request, wanted: _Wanted) -> Reading | None:
    if answer.refusal:
        return _REFUSED
    cut_off = answer.finish_reason == _LENGTH
    if answer.tool_calls:
        return _read_calls(answer.tool_calls, cut_off, wanted[1])
    if answer.text is None:
        return None
    if request.response_schema is None and not request.json_object:
        return _NO_CALL
    return _read_text(answer.text, cut_off, wanted[0])


def _read_text(text: str, cut_off: bool, schema: Compiled | None) -> Reading | None:
    """Read a text by a schema; without one it has to be an object."""
    if _oversize(text):
        return Reading(1.0, "oversize")
    value = decode(text)
    if isinstance(value, Unparsed):
        return _read_unparsed(text, value, cut_off, schema)
    return _counted(_read_value(value, text, schema))


def _oversize(text: str) -> bool:
    size = len(text)
    return size > MAX_ANSWER_CHARS or (size > MAX_CONTAINERS and text.count("[") + text.count("{") > MAX_CONTAINERS)


def _counted(reading: Reading | None) -> Reading | None:
    """Count a value whose check would take too long."""
    if reading is None:
        UNREAD[_TOO_COSTLY] += 1
    return reading


def _read_value(value: Any, text: str, schema: Compiled | None, tool: str | None = None) -> Reading | None:
    if schema is None:
        return _VALID if isinstance(value, dict) else Reading(1.0, "wrong_type", place("type", (), tool))
    work = schema.cost.of(value, text)
    return None if work > BUDGET else violation(schema, value, len(text), work, tool) or _VALID


def _read_unparsed(text: str, unparsed: Unparsed, cut_off: bool, schema: Compiled | None) -> Reading:
    """Tell what kind of not JSON it is; a lenient client's find counts if it is what was asked for."""
    reason = unparsed.reason
    for found in dug_out(text, unparsed):
        if isinstance(found, Unparsed):
            reason = found.reason
            continue
        reading = _read_value(found.value, text, schema)
        if reading is None or not reading.value:
            return Reading(1.0, found.reason)
        if found.certain:
            return reading
    return Reading(1.0, "truncated" if cut_off and reason != "too_deep" else reason)


def _read_calls(calls: tuple[ToolCall, ...], cut_off: bool, tools: Tools) -> Reading | None:
    unread = False
    for call in calls:
        reading = _read_call(call, cut_off, tools)
        if reading is None:
            unread = True
        elif reading.value:
            return reading
    return None if unread else _VALID


def _read_call(call: ToolCall, cut_off: bool, tools: Tools) -> Reading | None:
    if call.name not in tools:
        return Reading(1.0, "unknown_tool")
    if _oversize(call.arguments):
        return Reading(1.0, "oversize", place("arguments", (), call.name))
    value = decode(call.arguments)
    if isinstance(value, Unparsed):
        return Reading(1.0, _arguments_fault(value, cut_off), place("arguments", (), call.name))
    if not isinstance(value, dict):
        return Reading(1.0, "wrong_type", place("type", (), call.name))
    schema = tools[call.name]
    return _VALID if schema is None else _counted(_read_value(value, call.arguments, schema, call.name))


def _arguments_fault(unparsed: Unparsed, cut_off: bool) -> str:
    if unparsed.reason == "too_deep":
        return unparsed.reason
    return "truncated" if cut_off or unparsed.reason == "truncated" else "tool_arguments_not_json"
