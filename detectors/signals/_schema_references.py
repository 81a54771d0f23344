"""Where the references of a JSON Schema lead, within the document alone.

Every ``$id`` inside a document begins a resource of its own, and references are read from the resource they stand
in. Where drafts differ on whether an ``$id`` counts, both readings are followed: a bound over the result then holds
whichever of them a validator takes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

import msgspec

__all__ = ["MAX_INDEXED", "MAX_RESOURCES", "References", "Refused", "children_of"]

MAX_INDEXED: Final = 2_500
"""Subschemas of a document that is referred to by more than pointers from its top: some 5 µs each."""
MAX_RESOURCES: Final = 200
"""Parts of a document with addresses of their own: some 30 µs each."""
_DRAFTS: Final = {
    "json-schema.org/draft-04/schema": 4,
    "json-schema.org/draft-06/schema": 6,
    "json-schema.org/draft-07/schema": 7,
    "json-schema.org/draft/2019-09/schema": 2019,
    "json-schema.org/draft/2020-12/schema": 2020,
}
_IN_ALL_DRAFTS: Final = frozenset(
    {
        "additionalProperties",
        "allOf",
        "anyOf",
        "definitions",
        "items",
        "not",
        "oneOf",
        "patternProperties",
        "properties",
    }
)
_IN_SOME_DRAFTS: Final = frozenset(
    {
        "$defs",
        "additionalItems",
        "contains",
        "contentSchema",
        "dependencies",
        "dependentSchemas",
        "else",
        "if",
        "prefixItems",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_DISPUTED_SINCE_2019: Final = frozenset({"additionalItems", "dependencies", "prefixItems"})
_OF_NAMES: Final = frozenset(
    {"$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties"}
)
_NEWEST: Final = 2020
_SINCE_DOLLAR_DEFS: Final = 2019
_ID_IS_BARE: Final = 4


class Refused(Exception):  # noqa: N818 - an outcome with a name, not a fault of the program
    """A schema is not read; ``reason`` is one of a few fixed words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True, eq=False)
class _Resource:
    """A part of the document with an address of its own."""

    uri: str
    root: Any
    draft: int
    outer: "_Resource | None" = None
    """What it is a part of, if it may also be read as no resource at all."""
    anchors: dict[str, list[Any]] = field(default_factory=dict)

    def readings(self) -> Iterator["_Resource"]:
        """Yield every resource that its content may belong to."""
        at: _Resource | None = self
        while at is not None:
            yield at
            at = at.outer


def children_of(holder: Any) -> Iterator[Any]:
    """Yield what an object or array directly holds."""
    if isinstance(holder, Mapping):
        yield from holder.values()
    elif isinstance(holder, (list, tuple)):
        yield from holder


class References:
    """The places of one document that can be referred to."""

    def __init__(self, document: Any) -> None:
        self._document = document
        uri, draft = _own_address(document, "", _NEWEST)
        self._root = _Resource(uri or "", document, draft)
        self._resource_of: dict[int, _Resource] = {}
        self._by_address: dict[tuple[str, str], _Resource] = {}
        self._dynamic: dict[str, list[Any]] = {}
        self._recursive: list[Any] = []
        self._local: dict[str, list[Any]] = {}
        self._followed: dict[tuple[int, str, str], list[Any]] = {}
        self._indexed = False
        self._embeds = _may_embed(document)

    def targets(self, keyword: str, reference: str, holder: Any) -> list[Any]:
        """Return everything that a reference found in the subschema ``holder`` may lead to.

        Raises:
            Refused: it leaves the document, or leads nowhere.
        """
        if not self._embeds and keyword == "$ref":
            if reference == "#":
                return [self._document]
            if reference.startswith("#/"):
                if reference not in self._local:
                    self._local[reference] = [self._pointed(self._document, reference[2:])]
                return self._local[reference]
        self._index()
        resource = self._resource_of.get(id(holder), self._root)
        key = (id(resource), keyword, reference)
        if key not in self._followed:
            self._followed[key] = self._follow(keyword, reference, resource)
        return self._followed[key]

    def _follow(self, keyword: str, reference: str, resource: _Resource) -> list[Any]:
        address, _, fragment = reference.partition("#")
        starts = list(resource.readings())
        if address:
            # an address is resolved against each of them, then looked for without regard to spelling
            wanted = {_key(_join(start.uri, address)) for start in starts}
            starts = [self._by_address[key] for key in wanted if key in self._by_address]
            if not starts:
                raise Refused("remote_reference")
        found = [target for start in starts for target in self._within(start, fragment)]
        if keyword == "$dynamicRef":
            found += self._dynamic.get(fragment, ())
        elif keyword == "$recursiveRef":
            found += self._recursive
        if not found:
            raise Refused("reference")
        return list({id(target): target for target in found}.values())

    def _within(self, resource: _Resource, fragment: str) -> list[Any]:
        if not fragment:
            return [resource.root]
        if not fragment.startswith("/"):
            return resource.anchors.get(unquote(fragment), [])
        try:
            return [self._pointed(resource.root, fragment[1:])]
        except Refused:
            return []

    def _pointed(self, start: Any, pointer: str) -> Any:
        """Return what a JSON Pointer leads to; a percent-encoded one is compared as it would be decoded."""
        found, resource = start, self._resource_of.get(id(start))
        for part in unquote(pointer).split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and name in found:
                found = found[name]
            elif isinstance(found, list) and name.isascii() and name.isdigit() and int(name) < len(found):
                found = found[int(name)]
            else:
                raise Refused("reference")
            resource = self._resource_of.get(id(found), resource)
        if resource is not None:
            self._resource_of.setdefault(id(found), resource)  # a place that is no subschema until it is referred to
        return found

    def _index(self) -> None:
        """Note each subschema's resource, and each resource by address and anchor; nothing here recurses."""
        if self._indexed:
            return
        self._indexed = True
        self._note(self._root)
        waiting: list[tuple[Any, _Resource]] = [(self._document, self._root)]
        while waiting:
            schema, resource = waiting.pop()
            if not isinstance(schema, Mapping):
                continue
            if len(self._resource_of) >= MAX_INDEXED or len(self._by_address) > MAX_RESOURCES:
                raise Refused("too_large")
            self._resource_of[id(schema)] = resource
            self._anchor(schema, resource)
            for keyword, inner in _subschemas(schema):
                waiting.append((inner, self._resource(inner, keyword, resource)))

    def _resource(self, schema: Any, keyword: str, outer: _Resource) -> _Resource:
        """Return the resource of a subschema: the one around it, or its own."""
        if not isinstance(schema, Mapping):
            return outer
        uri, draft = _own_address(schema, outer.uri, outer.draft)
        if uri is None:
            return outer
        disputed = keyword not in _IN_ALL_DRAFTS and (
            outer.draft < _SINCE_DOLLAR_DEFS or keyword in _DISPUTED_SINCE_2019
        )
        disputed = disputed or "$ref" in schema  # earlier drafts read nothing beside a reference
        return self._note(_Resource(uri, schema, draft, outer if disputed else None))

    def _note(self, resource: _Resource) -> _Resource:
        if self._by_address.setdefault(_key(resource.uri), resource) is not resource:
            raise Refused("reference")  # two parts of one address: which is meant is anyone's guess
        return resource

    def _anchor(self, schema: Mapping[str, Any], resource: _Resource) -> None:
        for name in ("$anchor", "$dynamicAnchor"):
            if isinstance(anchor := schema.get(name), str):
                for each in resource.readings():
                    each.anchors.setdefault(anchor, []).append(schema)
        for name in ("$id", "id"):
            if isinstance(own := schema.get(name), str) and "#" in own:
                for each in resource.readings():
                    each.anchors.setdefault(own.partition("#")[2], []).append(schema)
        if isinstance(dynamic := schema.get("$dynamicAnchor"), str):
            self._dynamic.setdefault(dynamic, []).append(schema)
        if schema.get("$recursiveAnchor") is True:
            self._recursive.append(schema)


def _may_embed(document: Any) -> bool:
    """Tell whether some part of the document may have an address of its own."""
    try:
        text = msgspec.json.encode(document)
    except RecursionError:
        raise Refused("too_deep") from None
    return text.count(b'"$id":"') + text.count(b'"id":"') > 0


def _own_address(schema: Any, base: str, draft: int) -> tuple[str | None, int]:
    """Return the address a subschema gives itself, if it does, and its draft."""
    if not isinstance(schema, Mapping):
        return None, draft
    said = schema.get("$schema")
    own_draft = _DRAFTS.get(said.partition("://")[2].rstrip("#"), draft) if isinstance(said, str) else draft
    own = schema.get("id" if own_draft == _ID_IS_BARE else "$id")
    if not isinstance(own, str) or not (address := own.partition("#")[0]):
        return None, own_draft
    return _join(base, address), own_draft


def _join(base: str, address: str) -> str:
    try:
        return urljoin(base, address)
    except ValueError:  # no address at all
        raise Refused("reference") from None


def _subschemas(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for keyword, value in schema.items():
        if keyword in _IN_ALL_DRAFTS or keyword in _IN_SOME_DRAFTS:
            if isinstance(value, list) or (keyword in _OF_NAMES and isinstance(value, Mapping)):
                for inner in children_of(value):
                    yield keyword, inner
            else:
                yield keyword, value


def _key(uri: str) -> tuple[str, str]:
    """Return an address without what a validator may normalise away; two that look alike are taken together."""
    try:
        parts = urlsplit(uri)
        return (parts.hostname or "", unquote(parts.path).casefold())
    except ValueError:
        return ("", uri)
