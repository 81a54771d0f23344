"""The demo is the acceptance test: real Envoy, real PostgreSQL, real servers, traffic and shippers."""

from importlib.util import find_spec

import pytest

from tests.e2e.demo_faults import row_of, run_demo, table
from tests.support.demo_parts import httproute_parts, why_no_httproute

LIMIT_S = 1000
ENGINES = find_spec("xllamacpp") is not None and find_spec("gguf") is not None
NO_ENGINES = "needs llama.cpp: pip install 'fullback[engines]'"


@pytest.mark.alone
@pytest.mark.e2e
@pytest.mark.timeout(LIMIT_S + 20)
@pytest.mark.parametrize("fault", ["schema"])  # the others: python -m tests.e2e.demo_faults
def test_a_fault_ends_in_a_rollback_that_traffic_proves(fault):
    code, result, progress = run_demo(fault)
    assert code == 0, progress[-3000:]
    assert result["fault"] == fault
    assert result["flipped"]
    assert result["verified_by_traffic"]
    assert result["alarm"]["signal"] in result["expected"]["signals"]
    assert result["named_as_expected"]
    seconds = result["seconds"]
    assert seconds["fault_to_alarm"] <= seconds["fault_to_flip_applied"] <= seconds["fault_to_verified"]
    assert result["counts"]["post_flip_primary_candidate"] == 0
    assert result["counts"]["post_flip_primary_baseline"] >= 300
    assert result["effect"]["low"] > 0
    assert result["slack_messages"] == 2, "one when it starts, one when traffic proves it"


@pytest.fixture(scope="module")
def quantized():
    """One run for both tests below: real engines, behind an HTTPRoute where its parts are."""
    if why_no_httproute() is not None:
        return run_demo("quantized")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in httproute_parts().items():
            patch.setenv(name, value)
        return run_demo("quantized", 1, "--target", "httproute")


@pytest.mark.alone
@pytest.mark.e2e
@pytest.mark.timeout(LIMIT_S + 20)
@pytest.mark.skipif(not ENGINES, reason=NO_ENGINES)
def test_a_quantized_artifact_of_real_engines_is_rolled_back_and_traffic_proves_it(quantized):
    code, result, progress = quantized
    assert code == 0, progress[-3000:]
    assert result["alarm"]["signal"] == "agreement"
    assert result["verified_by_traffic"]
    assert result["effect"]["low"] > 0.5, "nearly every greedy answer of q4_0 is another than that of f16"
    assert result["counts"]["post_flip_primary_candidate"] == 0
    assert result["counts"]["post_flip_primary_baseline"] >= result["flip"]["requests"] == 150


@pytest.mark.alone
@pytest.mark.e2e
@pytest.mark.timeout(LIMIT_S + 20)
@pytest.mark.skipif(not ENGINES, reason=NO_ENGINES)
@pytest.mark.skipif(why_no_httproute() is not None, reason=str(why_no_httproute()))
def test_the_way_through_an_httproute_ends_in_the_same_rollback(quantized):
    _, result, progress = quantized
    assert result["target"] == "httproute", progress[-3000:]
    flip = result["flip"]
    assert 0 <= flip["alarm_to_decided"] <= flip["alarm_to_written"] <= flip["alarm_to_read_back"]
    assert flip["read_back_to_verified"] > 0


@pytest.mark.alone
@pytest.mark.e2e
@pytest.mark.timeout(LIMIT_S + 20)
def test_healthy_twins_are_left_alone():
    code, result, progress = run_demo("none")
    assert code == 0, progress[-3000:]
    assert not result["flipped"]
    assert result["incidents"] == 0
    assert result["slack_messages"] == 0
    assert result["counts"]["pairs"] > 1000


def test_the_matrix_tells_what_was_right_wrong_and_missed():
    seconds = {"fault_to_alarm": 20.61, "fault_to_flip_applied": 21.1, "fault_to_verified": 31.0, "total": 86.0}
    found, other = {"signal": "refusal", "slice": "all"}, {"signal": "truncation", "slice": "first_turn"}
    right = row_of(0, {"fault": "refusal", "alarm": found, "alarms": [found, other], "seconds": seconds})
    wrong = row_of(1, {"fault": "schema", "alarm": found, "alarms": [found], "seconds": seconds})
    missed = row_of(1, {"fault": "schema", "alarm": None, "alarms": [], "seconds": {"total": 190.0}})
    failed = row_of(1, {"fault": "dead", "error": "no room"})
    assert table([right, wrong, missed, failed])[2:] == [
        "| `refusal` | as expected | refusal | all | 20.6 s | 21.1 s | 31.0 s | 86.0 s | truncation (first_turn) |",
        "| `schema` | WRONG | refusal | all | 20.6 s | 21.1 s | 31.0 s | 86.0 s | – |",
        "| `schema` | MISSED | – | – | – | – | – | 190.0 s | – |",
        "| `dead` | failed | – | – | – | – | – | – | – |",
    ]
