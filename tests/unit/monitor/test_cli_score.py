import gzip
import json

import pytest
from click.testing import CliRunner

from monitor.cli import main

LINES = [
    {"id": "a", "text": "I'm sorry, but I can't help with that.", "prompt": "Do it."},
    {"id": "b", "text": "It leaves at nine.", "prompt": "When?"},
    {"id": "c", "text": "No request here."},
]


@pytest.fixture
def run(tmp_path):
    def score(signal, lines, *options, name="in.jsonl"):
        path = tmp_path / name
        body = b"\n".join(each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines)
        path.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
        done = CliRunner().invoke(main, ["score", signal, "--in", str(path), *options])
        return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    return score


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz"])
def test_each_line_gets_a_reading(run, name):
    code, found, said = run("refusal", LINES, name=name)
    assert code == 0
    assert [(each["id"], each["value"]) for each in found] == [("a", 1.0), ("b", 0.0), ("c", None)]
    assert found[2]["reason"] == "not_applicable"
    assert "3 lines, 2 applicable, 1 bad (50.00%)" in said


def test_fields_are_found_where_the_map_says(run):
    line = {"meta": {"key": 7}, "asked": {"schema": {"type": "object", "required": ["x"]}}, "said": [{"t": '{"y": 1}'}]}
    options = ["--map", "schema=asked.schema", "--map", "text=/said/0/t", "--map", "id=meta.key"]
    code, [found], _ = run("schema_validity", [line], *options)
    assert (code, found["id"], found["value"]) == (0, 7, 1.0)


def test_whole_bodies_are_read_as_ingest_reads_them(run):
    line = {
        "request": {"messages": [{"role": "user", "content": "Go"}]},
        "response": {"choices": [{"message": {"role": "assistant", "content": None, "refusal": "No."}}]},
    }
    _, [found], _ = run("refusal", [line])
    assert (found["id"], found["value"]) == (1, 1.0)


def test_faulty_lines_are_told_and_passed_over(run):
    code, found, said = run("refusal", [b"{", LINES[1], b"[1]", b"\xff", b"", LINES[0]], "--json")
    assert (code, len(found)) == (1, 2)
    told = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert told == [
        {
            "signal": "refusal",
            "lines": 2,
            "applicable": 2,
            "faulty_lines": 3,
            "reasons": dict(told[0]["reasons"]),
            "bad": 1,
        }
    ]
    assert "line 1: not a JSON object" in said


def test_a_conversation_ends_at_the_turn_asked_about(run):
    from monitor.services.exchanges import exchange_of, mapping_of

    line = {
        "dialogue": [{"role": "user", "text": "a"}, {"role": "assistant", "text": "b"}, {"role": "user", "text": "c"}]
    }
    texts = [message.text for message in exchange_of({**line, "turn": 1}, mapping_of({})).request.messages]
    assert texts == ["a", "b"]
    assert len(exchange_of(line, mapping_of({})).request.messages) == 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nonsense", "--in", "-"], "refusal"),
        (["refusal", "--in", "-", "--map", "nonsense=a"], "prompt"),
        (["refusal", "--in", "-", "--map", "text"], "FIELD=PATH"),
        (["refusal", "--in", "/nowhere.jsonl"], "No such file"),
    ],
)
def test_mistakes_are_told_with_what_is_possible(arguments, says):
    done = CliRunner().invoke(main, ["score", *arguments])
    assert done.exit_code != 0
    assert says in done.output


def test_a_cut_off_archive_is_told(tmp_path):
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "x"}\n' * 1000)[:-20])
    done = CliRunner().invoke(main, ["score", "refusal", "--in", str(path)])
    assert done.exit_code == 1
    assert "cannot be read to its end" in done.output
