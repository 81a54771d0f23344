"""JSON Schemas made ready for use, and kept: the same schema comes with request after request."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock
from types import MappingProxyType
from typing import Any, Final, Generic, NoReturn, TypeVar

import jsonschema_rs
import msgspec

from detectors.signals._schema_cost import Refused, SchemaCost, cost_of

__all__ = ["MAX_PATTERN_BYTES", "MAX_SCHEMA_BYTES", "UNREAD", "Compiled", "Tools", "compiled", "compiled_tools"]

MAX_SCHEMA_BYTES: Final = 1 << 18
"""Longer schemas are not read at all; neither are tools whose schemas are longer together."""
MAX_PATTERN_BYTES: Final = 1 << 20
"""Most memory of one compiled regular expression: a few milliseconds to compile."""
UNREAD: Counter[str] = Counter()
"""Why there was no reading although structure was asked for: how often, by reason."""
_KEPT: Final = 512
_KEPT_BYTES: Final = 1 << 22
"""Most bytes of the schemas that are kept; compiled, each takes some ten times its length."""
_KEY_BYTES: Final = 4096
"""Longer schemas are known by their digest, shorter ones by themselves: that is faster."""

_Kept = TypeVar("_Kept")
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Compiled:
    """A schema ready for use, with the bound of what using it takes."""

    validator: jsonschema_rs.Validator
    cost: SchemaCost


Tools = Mapping[str, Compiled | None]
"""Each tool's schema of arguments; None if it has none."""


class _Recent(Generic[_Kept]):
    """The values used last, at most ``_KEPT`` and of at most ``_KEPT_BYTES`` in all. Threads may share it."""

    def __init__(self) -> None:
        self._values: OrderedDict[bytes, tuple[_Kept, int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: bytes) -> _Kept | None:
        found = self._values.get(key)
        if found is None:
            return None
        try:
            self._values.move_to_end(key)
        except KeyError:  # another thread has just put it out
            return found[0]
        return found[0]

    def put(self, key: bytes, value: _Kept, size: int) -> _Kept:
        with self._lock:
            if key not in self._values:
                self._values[key] = (value, size)
                self._bytes += size
            while len(self._values) > _KEPT or (self._bytes > _KEPT_BYTES and len(self._values) > 1):
                self._bytes -= self._values.popitem(last=False)[1][1]
        return value

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self._bytes = 0

    def __len__(self) -> int:
        return len(self._values)


_schemas: _Recent[Compiled | str] = _Recent()
_tools: _Recent[Tools | str] = _Recent()


def compiled(schema: Mapping[str, Any] | bool) -> Compiled | str:
    """Return the schema ready for use, or why it is not read."""
    try:
        text = _encode(schema)
    except (RecursionError, TypeError, ValueError):
        return "not_json"
    if len(text) > MAX_SCHEMA_BYTES:
        return "too_large"
    key = _key(text)
    found = _schemas.get(key)
    return _schemas.put(key, _compile(schema), len(text)) if found is None else found


def compiled_tools(tools: Mapping[str, Mapping[str, Any] | None]) -> Tools | str:
    """Return the schemas of all tools ready for use, or why one of them is not read."""
    try:
        text = _encode(tools)
    except (RecursionError, TypeError, ValueError):
        return "not_json"
    if len(text) > MAX_SCHEMA_BYTES:
        return "too_large"
    key = _key(text)
    found = _tools.get(key)
    return _tools.put(key, _each(tools), len(text)) if found is None else found


def _key(text: bytes) -> bytes:
    return text if len(text) <= _KEY_BYTES else blake2b(text, digest_size=16).digest()


def _each(tools: Mapping[str, Mapping[str, Any] | None]) -> Tools | str:
    found: dict[str, Compiled | None] = {}
    for name, schema in tools.items():
        ready = None if schema is None else compiled(schema)
        if isinstance(ready, str):
            return ready
        found[name] = ready
    return MappingProxyType(found)


def _compile(schema: Mapping[str, Any] | bool) -> Compiled | str:
    try:
        cost = cost_of(schema)
        validator = jsonschema_rs.validator_for(
            schema,  # type: ignore[arg-type]  # any mapping that is encoded as an object will do
            retriever=_never_fetch,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES),
            validate_formats=False,
        )
    except Refused as refused:
        return refused.reason
    except (RecursionError, TypeError, ValueError):
        return "invalid"
    return Compiled(validator, cost)


def _never_fetch(uri: str) -> NoReturn:
    raise ValueError(f"remote references are not followed (a reference of {len(uri)} characters)")
