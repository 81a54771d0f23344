"""The short form of the comparison with jsonschema, and proof that it would notice."""

import json

import pytest

from detectors.types import Reading
from tests.agreement import schema_suite
from tests.agreement.schema_differences import DIFFERENCES, reason_of
from tests.agreement.schema_generated import generated
from tests.agreement.schema_suite import compare_generated, compare_suite, main, ours

DRAFTS = ("draft4", "draft6", "draft7", "draft2019-09", "draft2020-12")


def test_invented_schemas_get_the_answers_of_the_reference():
    tallies = compare_generated(160)
    assert set(tallies) == {"plain", "large", "recursive", "references"}
    for tally in tallies.values():
        assert not tally.unexplained
        assert tally.n == 240
        assert sum(tally.unread.values()) < 0.1 * tally.n, "an answer that is not given cannot disagree"
        assert 0 < tally.with_suite < tally.with_reference, "some are valid and some are not"


def test_a_seed_names_its_case():
    assert list(generated(8, seed=3)) == list(generated(8, seed=3))
    assert list(generated(8, seed=3)) != list(generated(8, seed=4))


def test_a_wrong_answer_is_noticed(monkeypatch):
    monkeypatch.setattr(schema_suite, "check", lambda *_: Reading(0.0, "valid"))
    assert any(tally.unexplained for tally in compare_generated(12).values())


@pytest.fixture
def checkout(tmp_path):
    """A suite in the layout of the official one, with invented tests."""
    remote = {"type": "integer"}
    groups = [
        {"schema": {"type": "string"}, "tests": [{"data": "x", "valid": True}, {"data": 1, "valid": False}]},
        {"schema": {"$ref": "http://localhost:1234/whole.json"}, "tests": [{"data": 1, "valid": True}]},
        {"schema": {"$schema": "http://localhost:1234/own.json"}, "tests": [{"data": 1, "valid": True}]},
    ]
    for draft in DRAFTS:
        (tmp_path / "tests" / draft / "optional" / "format").mkdir(parents=True)
        (tmp_path / "tests" / draft / "type.json").write_text(json.dumps(groups), "utf-8")
        skipped = [{"schema": {"format": "date"}, "tests": [{"data": "x", "valid": False}]}]
        (tmp_path / "tests" / draft / "optional" / "format" / "date.json").write_text(json.dumps(skipped), "utf-8")
    (tmp_path / "remotes").mkdir()
    (tmp_path / "remotes" / "whole.json").write_text(json.dumps(remote), "utf-8")
    return tmp_path


def test_a_suite_is_read_and_its_remotes_are_bundled(checkout):
    tallies = compare_suite(checkout)
    assert set(tallies) == set(DRAFTS)
    for tally in tallies.values():
        assert (tally.n, tally.with_suite, tally.bundled) == (4, 3, 1)
        assert tally.listed == {"own_meta_schema": 1}
        assert not tally.unexplained


def test_the_command_tells_by_its_status(checkout, capsys):
    assert main([str(checkout), "--generated", "4", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["suite"]["draft7"]["n"] == 4
    assert set(told["differences"]) == set(DIFFERENCES)
    path = checkout / "tests" / "draft7" / "type.json"
    path.write_text(json.dumps([{"schema": {"type": "null"}, "tests": [{"data": 1, "valid": True}]}]), "utf-8")
    assert main([str(checkout)]) == 1
    assert "UNEXPLAINED" in capsys.readouterr().out


def test_no_wrong_answer_is_ever_listed():
    for file in ("pattern.json", "content.json", "type.json"):
        assert reason_of(file, {}, "valid", suite=False, ours=True) is None
    assert reason_of("pattern.json", {}, "valid", suite=True, ours=True) == "reference_patterns"
    assert reason_of("type.json", {}, "too_costly", suite=True, ours=None) is None


def test_an_outcome_names_why_there_is_none():
    assert ours({"$ref": "http://localhost:1234/x"}, 1) == (None, "remote_reference")
    assert ours({"type": "integer"}, 1) == (True, "valid")


REFERENCES = [
    (
        {"$id": "http://h/root.json", "$ref": "part.json", "$defs": {"a": {"$id": "part.json", "type": "null"}}},
        [None, 1],
    ),
    (
        {
            "$id": "http://h/root.json",
            "$ref": "http://h/part.json#/$defs/inner",
            "$defs": {"a": {"$id": "part.json", "$defs": {"inner": {"type": "null"}}}, "inner": {"type": "integer"}},
        },
        [None, 1],
    ),
    (
        {
            "$id": "http://h/root.json",
            "properties": {"a": {"$id": "part.json", "items": {"$ref": "#/$defs/x"}, "$defs": {"x": {"type": "null"}}}},
            "$defs": {"x": {"type": "integer"}},
        },
        [{"a": [None]}, {"a": [1]}],
    ),
    (
        {"$id": "http://h/root.json", "items": {"$ref": "root.json#/$defs/x"}, "$defs": {"x": {"type": "null"}}},
        [[None], [1]],
    ),
    (
        {"$ref": "urn:part#here", "$defs": {"a": {"$id": "urn:part", "items": {"$anchor": "here", "type": "null"}}}},
        [None, 1],
    ),
    (
        {
            "$id": "http://h/tree",
            "$dynamicAnchor": "node",
            "properties": {"inner": {"$dynamicRef": "#node"}},
            "unevaluatedProperties": False,
        },
        [{"inner": {"inner": {}}}, {"inner": {"other": 1}}],
    ),
    (
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "items": {"$ref": "#here"},
            "definitions": {"a": {"$id": "#here", "type": "null"}},
        },
        [[None], [1]],
    ),
    (
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "id": "http://h/root.json",
            "items": {"$ref": "part.json"},
            "definitions": {"a": {"id": "part.json", "type": "null"}},
        },
        [[None], [1]],
    ),
    (
        {"$schema": "https://json-schema.org/draft/2019-09/schema", "items": {"$recursiveRef": "#"}, "type": "array"},
        [[[]], [1]],
    ),
]


@pytest.mark.parametrize(("schema", "values"), REFERENCES)
def test_references_inside_a_document_lead_where_the_reference_says(schema, values):
    answers = [ours(schema, value)[0] for value in values]
    assert answers == [True, False]
    assert answers == [schema_suite.reference(schema, value) for value in values]
