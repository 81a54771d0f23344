"""``fullback plan`` as people and scripts call it."""

import json

import pytest
from click.testing import CliRunner

from monitor.cli import main


def run(*options):
    done = CliRunner().invoke(main, ["plan", *options])
    return done.exit_code, done.output


def test_a_table_tells_when_a_difference_is_seen():
    code, told = run(
        "--base-rate", "0.01", "--candidate-rate", "3%", "--margin", "0.5%", "--rps", "10", "--mirror", "1"
    )
    assert code == 0
    rows = dict(line.split(None, 1) for line in told.splitlines() if not line.startswith(("at", "in", "alarm")))
    assert rows["tolerated"] == "up to 1.5 % at a baseline of 1 %"
    assert rows["asked"] == "3 %"
    assert rows["seen"].startswith("after about ")
    assert "in 1 h" in told
    assert "in 1 day" in told


def test_a_script_gets_one_document():
    code, told = run("--signal", "latency_ttft", "--slowdown", "1.5", "--rps", "5", "--json")
    document = json.loads(told)
    assert (code, document["effect"], document["effect_is"], document["phi"]) == (0, 1.5, "factor of latency", 3.0)
    assert document["smallest"]["1 day"] < document["smallest"]["1 h"]


def test_arms_are_compared_when_asked_and_for_reactions():
    for options in (["--unpaired"], ["--signal", "correction"]):
        _, told = run(*options, "--base-rate", "2%", "--candidate-rate", "8%", "--rps", "2", "--json")
        document = json.loads(told)
        assert (document["paired"], document["baseline_s"]) == (False, 0.1)


def test_sessions_per_hour_say_the_same_as_per_second():
    asked = ["--signal", "correction", "--base-rate", "2%", "--candidate-rate", "8%", "--holdback", "10%", "--json"]
    by_hour, by_second = (
        json.loads(run(*asked, *rate)[1]) for rate in (["--sessions-per-hour", "3600"], ["--rps", "1"])
    )
    assert by_hour == by_second
    assert by_hour["baseline_s"] == pytest.approx(0.1)


def test_the_margin_and_the_budget_are_the_policys(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("signals: {refusal: {margin_absolute: 0.1}}\nfalse_rollbacks_per_month: 1\n")
    base = ["--signal", "refusal", "--base-rate", "1%", "--candidate-rate", "5%", "--rps", "5", "--json"]
    plain, own = (json.loads(run(*base, *more)[1]) for more in ([], ["--policy", str(path)]))
    assert (own["seen_after_s"], own["tolerated"]) == (None, pytest.approx(0.11))
    assert own["threshold"] == pytest.approx(plain["threshold"] / 10)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--rps", "1"], "give --base-rate and --candidate-rate"),
        (["--rps", "1", "--base-rate", "1%"], "give --base-rate and --candidate-rate"),
        (["--rps", "1", "--slowdown", "2"], "schema_validity is no latency"),
        (["--rps", "1", "--base-rate", "1", "--candidate-rate", "200%"], "write a number from 0 to 1"),
        (["--base-rate", "1%", "--candidate-rate", "2%"], "give --rps, or --sessions-per-hour"),
        (["--sessions-per-hour", "9", "--base-rate", "1%", "--candidate-rate", "2%"], "pairs are counted by requests"),
        (
            ["--unpaired", "--sessions-per-hour", "9", "--rps", "1", "--base-rate", "1%", "--candidate-rate", "2%"],
            "give --rps",
        ),
        (["--unpaired", "--sessions-per-hour", "0", "--base-rate", "1%", "--candidate-rate", "2%"], "above 0"),
        (["--rps", "-1", "--base-rate", "1%", "--candidate-rate", "2%"], "it must be above 0"),
        (["--rps", "1", "--signal", "latency_e2e", "--slowdown", "0"], "it is a factor"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(options, told):
    code, output = run(*options)
    assert code != 0
    assert told in output
