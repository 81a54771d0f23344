"""How far ``schema_validity`` agrees with the official JSON Schema test suite and with jsonschema.

``python -m tests.agreement.schema_suite DATA_DIR [--generated N] [--pairs DIR] [--json]``

DATA_DIR holds ``json_schema_test_suite.jsonl.gz`` with its ``…_remotes.json.gz``, or is a checkout of
JSON-Schema-Test-Suite (``tests/`` and ``remotes/``). References to remotes are tried a second time with the remotes
bundled into the schema, as an operator would. DIR of ``--pairs`` holds ``schemas/json/NAME.json``, ``test/NAME/*.json``
and ``negative_test/NAME/*.json``, as SchemaStore's ``src`` does.
"""

import argparse
import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import jsonschema
import jsonschema_rs
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from detectors.signals.schema_validity import UNREAD, check
from tests.agreement.schema_differences import DIFFERENCES, reason_of
from tests.agreement.schema_generated import generated

__all__ = ["Tally", "compare_generated", "compare_suite", "suite_rows"]

_PATTERN_ERROR = re.error.__name__
"""What jsonschema raises at a pattern that Python does not know, such as ``\\p{Lu}``."""
_REMOTE_BASE = "http://localhost:1234/"
_URIS = {
    "draft4": "http://json-schema.org/draft-04/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
}


@dataclass(slots=True)
class Tally:
    """What came of one set of comparisons."""

    n: int = 0
    with_suite: int = 0
    with_reference: int = 0
    bundled: int = 0
    """Those among them that needed their remotes bundled into the schema."""
    unread: Counter[str] = field(default_factory=Counter)
    listed: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """One test of the suite."""

    name: str
    draft: str
    file: str
    schema: Any
    value: Any
    valid: bool


def suite_rows(folder: Path) -> tuple[list[Row], dict[str, Any]]:
    """Return the tests that apply without assertions of ``format``, and the remotes by address."""
    packed = folder / "json_schema_test_suite.jsonl.gz"
    if packed.exists():
        with gzip.open(folder / "json_schema_test_suite_remotes.json.gz", "rt", encoding="utf-8") as file:
            remotes = json.load(file)
        with gzip.open(packed, "rt", encoding="utf-8") as file:
            rows = [_packed_row(json.loads(line)) for line in file]
        return [row for row in rows if row is not None], {_REMOTE_BASE + path: one for path, one in remotes.items()}
    remotes = {
        _REMOTE_BASE + path.relative_to(folder / "remotes").as_posix(): json.loads(path.read_text("utf-8"))
        for path in sorted((folder / "remotes").rglob("*.json"))
    }
    return [row for draft in _URIS for row in _checked_out(folder / "tests" / draft, draft)], remotes


def _packed_row(raw: Mapping[str, Any]) -> Row | None:
    if raw["format_test"]:
        return None
    return Row(raw["id"], raw["draft"], raw["file"].rsplit("/", 1)[-1], raw["schema"], raw["data"], raw["valid"])


def _checked_out(folder: Path, draft: str) -> Iterator[Row]:
    for path in sorted(folder.rglob("*.json")):
        if "format" in path.relative_to(folder).parts:
            continue
        for group, one in enumerate(json.loads(path.read_text("utf-8"))):
            for number, test in enumerate(one["tests"]):
                name = f"{draft}/{path.name}#{group}.{number}"
                yield Row(name, draft, path.name, one["schema"], test["data"], test["valid"])


def ours(schema: Any, value: Any) -> tuple[bool | None, str | None]:
    """Return whether the signal calls the value valid, or None and why it does not tell."""
    before = Counter(UNREAD)
    reading = check(schema, json.dumps(value))
    if reading is None:
        return None, next(iter(UNREAD - before), "?")
    return reading.value == 0.0, reading.reason


def reference(schema: Any, value: Any, registry: Any = None) -> bool | str:
    """Return whether jsonschema calls the value valid, or the error it gives."""
    with catch_warnings():
        simplefilter("ignore")  # it warns of remote references before it fails to follow one
        kind = validator_for(schema, default=jsonschema.Draft202012Validator)
        extra = {} if registry is None else {"registry": registry}
        try:
            return bool(kind(schema, **extra).is_valid(value))
        except (Unresolvable, RecursionError, ValueError, OverflowError, ArithmeticError) as error:
            return type(error).__name__
        except Exception as error:  # noqa: BLE001 - whatever the reference does is an outcome
            return type(error).__name__


def compare_suite(folder: Path) -> dict[str, Tally]:
    """Compare every test by draft."""
    rows, remotes = suite_rows(folder)
    registry = Registry().with_contents(remotes.items(), default_specification=DRAFT202012)
    with_ours = jsonschema_rs.Registry([(uri, one) for uri, one in remotes.items() if _of_known_draft(one)])
    tallies: dict[str, Tally] = {}
    for row in rows:
        tally = tallies.setdefault(row.draft, Tally())
        schema = row.schema
        if isinstance(schema, dict) and "$schema" not in schema:
            schema = {"$schema": _URIS[row.draft], **schema}
        said, why = ours(schema, row.value)
        if said is None and why == "remote_reference" and (bundle := _bundled(schema, with_ours)) is not None:
            said, _ = ours(bundle, row.value)
            tally.bundled += said is not None
        _count(tally, row, schema, said, why, reference(schema, row.value, registry))
    return tallies


def _of_known_draft(schema: Any) -> bool:
    own = schema.get("$schema") if isinstance(schema, dict) else None
    return own is None or own in _URIS.values()


def _bundled(schema: Any, registry: Any) -> Any:
    """Return the schema with its remotes inside, or None if that does not work."""
    try:
        return jsonschema_rs.bundle(schema, registry=registry)
    except (ValueError, jsonschema_rs.ReferencingError):
        return None


def _count(tally: Tally, row: Row, schema: Any, said: bool | None, why: str | None, theirs: bool | str) -> None:
    tally.n += 1
    tally.with_suite += said == row.valid
    tally.with_reference += said is not None and said == theirs
    if said is None:
        tally.unread[why or "?"] += 1
    if said == row.valid and said == theirs:
        return
    reason = reason_of(row.file, schema, why, row.valid, said)
    if reason is None:
        tally.unexplained.append(f"{row.name}: suite {row.valid}, signal {said} ({why}), jsonschema {theirs}")
    else:
        tally.listed[reason] += 1


def compare_generated(n: int, seed: int = 1) -> dict[str, Tally]:
    """Compare invented schemas and values, by kind of schema; ``with_suite`` counts the valid ones."""
    tallies: dict[str, Tally] = {}
    for number, case in enumerate(generated(n, seed)):
        tally = tallies.setdefault(case.kind, Tally())
        for place, value in enumerate(case.values):
            _compare(tally, f"{case.kind} {number}.{place}", case.schema, value)
    return tallies


def compare_pairs(folder: Path) -> Tally:
    """Compare published schemas with the examples that come with them."""
    tally = Tally()
    for path in sorted((folder / "schemas" / "json").glob("*.json")):
        examples = [
            *(folder / "test" / path.stem).rglob("*.json"),
            *(folder / "negative_test" / path.stem).rglob("*.json"),
        ]
        schema = _json(path)
        for example in sorted(examples) if schema is not None else ():
            value = _json(example)
            if value is not None:
                _compare(tally, f"{path.stem}/{example.name}", schema, value)
    return tally


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError:  # with comments, or broken on purpose
        return None


def _compare(tally: Tally, name: str, schema: Any, value: Any) -> None:
    tally.n += 1
    said, why = ours(schema, value)
    if said is None:
        tally.unread[why or "?"] += 1
        return
    theirs = reference(schema, value)
    tally.with_suite += said
    tally.with_reference += said == theirs
    if theirs == _PATTERN_ERROR:
        tally.listed["reference_patterns"] += 1
    elif said != theirs:
        tally.unexplained.append(f"{name}: signal {said} ({why}), jsonschema {theirs}")


def _lines(title: str, tallies: Mapping[str, Tally], expected: str) -> Iterator[str]:
    yield title
    for name, one in tallies.items():
        read = one.n - sum(one.unread.values())
        counts = f"{expected} {one.with_suite:6}  jsonschema {one.with_reference:6}"
        yield f"  {name:14} n {one.n:6}  read {read:6}  {counts}"
        if one.bundled:
            yield f"    {one.bundled} of them with their remotes bundled"
        for kind, reasons in (("not read", one.unread), ("listed", one.listed)):
            for reason, n in reasons.most_common():
                yield f"    {kind}: {reason} {n}"
        for what in one.unexplained:
            yield f"    UNEXPLAINED {what}"


def main(arguments: list[str] | None = None) -> int:
    """Print the comparison; the exit status tells whether a difference is unexplained."""
    parser = argparse.ArgumentParser(prog="schema_suite", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DATA_DIR")
    parser.add_argument("--generated", type=int, default=0, metavar="N", help="invented schemas, six values each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pairs", type=Path, metavar="DIR", help="published schemas with examples")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    parts = {"suite": compare_suite(options.folder)}
    if options.generated:
        parts["generated"] = compare_generated(options.generated, options.seed)
    if options.pairs:
        parts["pairs"] = {"published": compare_pairs(options.pairs)}
    if options.json:
        document = {
            part: {name: {each: getattr(tally, each) for each in Tally.__slots__} for name, tally in tallies.items()}
            for part, tallies in parts.items()
        }
        print(json.dumps({**document, "differences": {name: one.why for name, one in DIFFERENCES.items()}}, indent=1))
    else:
        for part, tallies in parts.items():
            print("\n".join(_lines(part, tallies, "suite" if part == "suite" else "valid")))
        print("\n".join(f"{one.name} ({one.side}): {one.why}" for one in DIFFERENCES.values()))
    return int(any(tally.unexplained for tallies in parts.values() for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())
