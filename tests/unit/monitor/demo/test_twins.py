"""Real twins compared by their logs."""

from datetime import UTC, datetime, timedelta
from math import isnan

import pytest

from monitor.demo.twins import compare_twins, first_unlike


def event(request_id, text, duration_ms=10.0, *, host="gw:1", status=200):
    response = {"choices": [{"message": {"role": "assistant", "content": text}}]}
    if status != 200:
        response = {"error": {}}
    return {
        "request_id": request_id,
        "host": host,
        "status": status,
        "duration_ms": duration_ms,
        "response": response,
    }


def shadow(request_id, text, **rest):
    return event(request_id, text, host="gw-shadow:1", **rest)


def test_only_pairs_of_good_answers_are_compared():
    baseline = [
        shadow("a", "same"),
        shadow("b", "one"),
        shadow("c", "x", status=500),
        event("d", "x"),
        shadow("e", "lone"),
    ]
    candidate = [event("a", "same"), event("b", "other"), event("c", "x"), event("d", "x")]
    report = compare_twins(baseline, candidate)
    assert (report.pairs, report.identical) == (2, 1)
    assert report.answers == {"bf16": 4, "int4": 4}
    assert report.failures == {"bf16": 1, "int4": 0}
    assert report.to_json()["pairs"] == 2
    assert "1 of 2 pairs have identical answers (50.0 %)" in report.lines()[-1]


def test_latencies_are_percentiles_of_each_log():
    report = compare_twins((), [event(str(n), "x", duration_ms=float(n)) for n in range(101)])
    assert report.latency_ms["int4"] == pytest.approx((50, 95))
    assert all(isnan(value) for value in report.latency_ms["bf16"])
    assert report.lines()[-1].endswith("(0.0 %)")


def test_the_first_unlike_answer_is_the_first_to_end_of_those_begun_since():
    begun = datetime(2026, 1, 1, tzinfo=UTC)

    def at(second, one):
        return one | {"started_at": (begun + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")}

    baseline = [at(0, shadow(name, "same")) for name in "abcd"]
    candidate = [
        at(-1, event("a", "other")),
        at(1, event("b", "same")),
        at(2, event("c", "other", duration_ms=3000.0)),
        at(3, event("d", "other", duration_ms=500.0)),
        at(1, event("without-a-twin", "other")),
        at(1, event("d", "x", status=500)),
    ]
    assert first_unlike(baseline, candidate, begun) == begun + timedelta(seconds=3.5)
    assert first_unlike(baseline, candidate[:2], begun) is None
