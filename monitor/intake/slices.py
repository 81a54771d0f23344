"""Subsets of traffic that a request belongs to and that can hide a regression."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from detectors.signals.agreement import GREEDY_BELOW
from detectors.types import Request
from monitor.intake.language import language_of

__all__ = ["MOST_TAGS", "slices_of"]

PROMPT_BUCKETS: Final = ((1_000, "prompt:1k"), (8_000, "prompt:8k"), (32_000, "prompt:32k"))
"""Most characters of the whole prompt in each bucket."""
LONGEST_PROMPT: Final = "prompt:over32k"
MOST_TAGS: Final = 8
"""Distinct tags of one event that give it a slice each; further ones give it ``tag:other``."""
REMEMBERED: Final = 128
CODE_WITHIN: Final = 2_048
"""Characters of the last user message in which fenced code is looked for: every event pays for them."""
CODE_TAG: Final = "code"
CODE_TOOLS: Final = frozenset(
    {
        "Edit", "MultiEdit", "NotebookEdit", "Write", "apply_diff", "apply_patch", "create_file", "edit", "edit_file",
        "insert_edit_into_file", "patch_file", "replace_in_file", "replace_string_in_file", "search_replace",
        "str_replace", "str_replace_based_edit_tool", "str_replace_editor", "write", "write_file", "write_to_file",
    }
)  # fmt: skip
"""Names by which widely used coding assistants offer the editing of files."""
_MOST_REMEMBERED_BYTES: Final = 16_384
_names: dict[int, tuple[Mapping[str, Any], str]] = {}
"""Schema slices by the identity of the schema, which is the same object request after request where the body is plain.
The schema is held beside its slice: while it is here, no other has its identity."""


def slices_of(request: Request | None, endpoint: str | None = None, tags: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the slices of a request: a function of the request, of what it was sent to and of its tags alone.

    ``first_turn`` when it has exactly one user message, ``schema:<hash>`` when it asks for a JSON Schema, the bucket
    of its prompt's length when any of its text was logged; then its kind (what it asks for: a structured answer,
    tools, or a chat; beside it ``kind:reasoning`` and ``kind:code``), the language of its last user message where that
    tells, the endpoint and the tags. A stated temperature is noted, too (``temperature:0.7``, ``temperature:greedy``).
    """
    found = [] if request is None else _asked(request, tagged=CODE_TAG in tags)
    if endpoint is not None:
        found.append(f"endpoint:{endpoint}")
    if tags:
        distinct = [f"tag:{tag}" for tag in dict.fromkeys(tags) if tag]
        found += distinct[:MOST_TAGS]
        if len(distinct) > MOST_TAGS and "tag:other" not in found:
            found.append("tag:other")
    return tuple(found)


def _asked(request: Request, *, tagged: bool) -> list[str]:
    found = []
    users = size = 0
    logged, last = False, None
    for message in request.messages:
        text = message.text
        if message.role == "user":
            users += 1
            last = text
        if text is not None:
            logged = True
            size += len(text)
    if users == 1:
        found.append("first_turn")
    schema = request.response_schema
    if schema is not None:
        found.append(_schema_name(schema))
    if logged:
        found.append(_bucket(size))
    found += _kinds(request, last, tagged=tagged)
    if request.temperature is not None:
        found.append(_temperature(request.temperature))
    language = None if last is None else language_of(last)
    if language is not None:
        found.append(f"lang:{language}")
    return found


def _kinds(request: Request, last: str | None, *, tagged: bool) -> list[str]:
    """Return what a request asks for: one of three, and beside it reasoning and program text."""
    found = []
    if request.response_schema is not None or request.json_object:
        found.append("kind:structured")
    elif request.tools:
        found.append("kind:tools")
    elif request.messages:
        found.append("kind:chat")
    if request.reasoning:
        found.append("kind:reasoning")
    if _of_code(request, last, tagged=tagged):
        found.append("kind:code")
    return found


def _of_code(request: Request, last: str | None, *, tagged: bool) -> bool:
    """Tell whether a request is about program text: tagged so, with fenced code, or with a tool that edits files."""
    if tagged or (request.tools and not CODE_TOOLS.isdisjoint(request.tools)):
        return True
    tick = -1 if last is None else last.find("`", 0, CODE_WITHIN)  # one sign is found ten times as fast as three
    return tick >= 0 and last is not None and last.find("```", tick, CODE_WITHIN) >= 0


def _temperature(stated: float) -> str:
    """Return a label of a stated temperature, to a tenth: what legs and arms are compared by. No policy names it."""
    if 0.0 <= stated < GREEDY_BELOW:
        return "temperature:greedy"
    return f"temperature:{min(max(stated, 0.0), 2.0):.1f}"


def _bucket(size: int) -> str:
    for most, name in PROMPT_BUCKETS:
        if size <= most:
            return name
    return LONGEST_PROMPT


def _schema_name(schema: Mapping[str, Any] | bool) -> str:
    """Return a schema's slice. Where the same object comes again, as ``plain_chat`` gives it, its hash is known."""
    known = _names.get(id(schema))
    if known is not None:
        return known[1]
    spelled = _canonical(schema)
    name = f"schema:{hashlib.sha256(spelled).hexdigest()[:8]}"
    if not isinstance(schema, bool) and len(spelled) <= _MOST_REMEMBERED_BYTES:
        if len(_names) >= REMEMBERED:
            _names.clear()
        _names[id(schema)] = (schema, name)
    return name


def _canonical(schema: Mapping[str, Any] | bool) -> bytes:
    """Return one spelling of a schema, whatever the order of its keys."""
    try:
        return msgspec.json.encode(schema, order="sorted")
    except OverflowError:  # an integer of more than 64 bits
        return json.dumps(schema, sort_keys=True, separators=(",", ":")).encode()
