import gzip
import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from detectors.registry import SIGNALS
from detectors.types import Exchange, Reading
from monitor.cli import main
from monitor.services.exchanges import FIELDS, legs_of, mapping_of
from monitor.services.pair_reading import read_pair

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
    assert [line for line in said.splitlines() if line.startswith("line ")] == [
        f"line {n}: not a JSON object; passed over" for n in (1, 3, 4)
    ]


def test_every_faulty_line_is_told(run):
    code, found, said = run("refusal", [b"{"] * 30)
    assert (code, found, said.count("not a JSON object")) == (1, [], 30)


def test_answers_named_by_text_are_answers_to_a_chat(run):
    lines = [{"said": "I'm sorry, but I can't help with that."}, {"said": None}]
    assert [one["value"] for one in run("refusal", lines, "--text", "said")[1]] == [1.0, None]
    assert [one["value"] for one in run("refusal", lines, "--map", "text=said")[1]] == [None, None]
    assert run("schema_validity", lines, "--text", "said")[1][0]["value"] is None


@pytest.mark.parametrize("form", [dict, json.dumps])
def test_a_schema_may_be_an_object_or_its_text(run, form):
    lines = [{"s": form({"type": "object", "required": ["x"]}), "t": text} for text in ('{"x": 1}', "{}")]
    assert [one["value"] for one in run("schema_validity", lines, "--map", "schema=s", "--text", "t")[1]] == [0.0, 1.0]


def test_what_is_no_schema_is_none(run):
    lines = [{"schema": schema, "text": "{}", "prompt": "a"} for schema in ("{", "[1]", "7", 7, "")]
    assert [one["value"] for one in run("schema_validity", lines)[1]] == [None] * 5


def test_a_dialogue_is_read_up_to_its_last_turn(run):
    spoken = [("user", "Which tram goes to the fair?"), ("assistant", "Tram 4."), ("user", "No, that's wrong.")]
    turns = [{"role": role, "content": said} for role, said in spoken]
    lines = [{"id": n, "turns": turns[:n]} for n in (3, 2)]
    _, found, _ = run("correction", lines, "--map", "dialogue=turns")
    assert [(one["id"], one["value"]) for one in found] == [(3, 1.0), (2, None)]


def test_standard_input_is_read():
    done = CliRunner().invoke(main, ["score", "refusal", "--in", "-", "--text", "t"], input='{"t": "At nine."}\n{\n')
    assert (done.exit_code, json.loads(done.stdout)["value"]) == (1, 0.0)
    assert "line 2: not a JSON object" in done.stderr


# Two legs

LEGS = ["--map", "candidate=new", "--map", "baseline=old.text"]
PROSE = ["The tram leaves the fair at nine and comes back by ten. " * 6, "By ten the tram is back from the fair. " * 8]


@pytest.mark.parametrize("name", ["in.jsonl", "in.jsonl.gz"])
@pytest.mark.parametrize(
    ("line", "value", "reason"),
    [
        ({"new": "Answer: 42", "old": {"text": "It is so.\n\nAnswer: 42."}}, 0.0, "same"),
        ({"new": "41", "old": {"text": "42"}}, 1.0, "different"),
        ({"new": '{"a":1,"b":2}', "old": {"text": '{"b": 2, "a": 1.0}'}}, 0.0, "same"),
        ({"new": 42, "old": {"text": "42"}}, 0.0, "same"),
        ({"new": PROSE[0], "old": {"text": PROSE[1]}}, 0.0, "prose"),
        ({"new": {"status": 503}, "old": {"text": "42"}}, 0.0, "no_answer"),
        ({"new": {"text": "42"}, "old": {"text": "42"}}, 0.0, "same"),
        ({"new": {"choices": [{"message": {"content": "7"}}]}, "old": {"text": "42"}}, 1.0, "different"),
        ({"new": {"tool_calls": [{"function": {"name": "f"}}]}, "old": {"text": "42"}}, 1.0, "different"),
        ({"text": "42", "old": {"text": "42"}}, 0.0, "same"),
        ({"new": "42"}, None, "not_applicable"),
        ({"new": "42", "old": {"text": ["42"]}}, None, "not_applicable"),
        ({"new": "41", "old": {"text": "42"}, "temperature": 0.7}, None, "not_applicable"),
        ({"new": "41", "old": {"text": "42"}, "temperature": 0}, 1.0, "different"),
        ({"new": "41", "old": {"text": "42"}, "request": {"messages": [{"role": "user"}]}}, None, "not_applicable"),
    ],
)
def test_two_legs_are_compared_from_one_line(run, name, line, value, reason):
    code, found, _ = run("agreement", [{"id": "a", **line}], *LEGS, name=name)
    assert (code, found) == (0, [{"id": "a", "value": value, "reason": reason}])


def test_two_legs_are_summed_up_as_bits(run):
    lines = [{"id": n, "new": str(n % 2), "old": {"text": "0"}} for n in range(4)]
    _, _, said = run("agreement", [*lines, b"{"], *LEGS, "--json")
    told = json.loads(said.splitlines()[-1])
    assert (told["lines"], told["applicable"], told["bad"], told["faulty_lines"]) == (4, 4, 2, 1)


def test_one_leg_is_a_fingerprint(run):
    _, [one], _ = run("agreement", [{"prompt": "a", "text": "42", "temperature": 0}])
    assert (one["reason"], one["value"] > 1) == ("print", True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6))
def test_no_line_breaks_the_reading_of_two_legs(line):
    legs = legs_of(line, mapping_of({}))
    assert legs is None or read_pair(SIGNALS["agreement"], *legs) in {
        None,
        *(
            Reading(value, reason)
            for value, reason in ((0.0, "same"), (1.0, "different"), (0.0, "prose"), (0.0, "no_answer"))
        ),
    }


def test_a_signal_of_one_answer_compares_nothing():
    with pytest.raises(ValueError, match="refusal is of kind bit"):
        read_pair(SIGNALS["refusal"], Exchange(), Exchange())


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
        (["refusal", "--in", "-", "--map", "baseline=b"], "refusal reads one answer"),
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
