"""How a simulated variant behaves, with and without a fault."""

import json
import os
from statistics import median

import pytest
from scipy.stats import binom

from monitor.demo.behaviour import Behaviour, FaultFile
from monitor.demo.damage import NoAnswer
from monitor.demo.faults import FAULTS, fault
from monitor.demo.scenarios import SCHEMAS

N = 6000
STRUCTURED = {
    "response_format": {"type": "json_schema", "json_schema": {"name": "ticket", "schema": SCHEMAS["ticket"]}}
}


def plans(variant, name, parts, n=N):
    behaviour = Behaviour(7, variant)
    for number in range(n):
        request = {"messages": [{"role": "user", "content": f"message {number}"}], **parts}
        yield behaviour.plan(request, f"r{number}", fault(name))


def said(plan):
    return None if isinstance(plan.answer, NoAnswer) else plan.answer.message


def within(count, rate, n=N):
    low, high = binom.ppf([1e-6, 1 - 1e-6], n, rate)
    return low <= count <= high


@pytest.mark.parametrize(
    ("name", "parts", "rate"),
    [
        ("schema", STRUCTURED, 0.08),
        ("schema", {}, 0.0),
        ("refusal", {}, 0.12),
        ("refusal", STRUCTURED, 0.0),
        ("none", STRUCTURED, 0.0),
        ("latency", {}, 0.999),
    ],
)
def test_a_fault_makes_its_share_of_its_kind_of_answers_bad(name, parts, rate):
    assert within(sum(plan.injected for plan in plans("int4", name, parts)), rate)


def test_twins_agree_but_for_rare_failures_of_their_own():
    pairs = list(zip(plans("bf16", "none", STRUCTURED), plans("int4", "none", STRUCTURED), strict=True))
    different = [(ours, theirs) for ours, theirs in pairs if said(ours) != said(theirs)]
    assert within(len(different), 2 * (0.003 + 0.001))
    assert within(sum(ours.answer is NoAnswer.FAILED for ours, _ in pairs), 0.001)
    ratios = [ours.ttft_s / theirs.ttft_s for ours, theirs in pairs]
    assert median(ratios) == pytest.approx(1, abs=0.01)
    assert 0.7 < min(ratios) < max(ratios) < 1.4


def test_the_latency_fault_slows_and_nothing_else():
    normal = list(plans("int4", "none", {}, 200))
    slow = list(plans("int4", "latency", {}, 200))
    for before, after in zip(normal, slow, strict=True):
        assert after.ttft_s == pytest.approx(1.8 * before.ttft_s)
        assert after.token_s == pytest.approx(1.8 * before.token_s)
        assert after.answer == before.answer


def test_a_longer_queue_is_in_the_time_to_the_first_token_and_nowhere_else():
    normal = list(plans("int4", "none", {}, 200))
    queued = list(plans("int4", "queue", {}, 200))
    for before, after in zip(normal, queued, strict=True):
        assert after.queue_s == pytest.approx(2.5 * before.queue_s)
        assert after.ttft_s - before.ttft_s == pytest.approx(after.queue_s - before.queue_s)
        assert (after.token_s, after.answer) == (before.token_s, before.answer)
    assert median(after.ttft_s for after in queued) < 1.15 * median(before.ttft_s for before in normal)


def test_the_pace_is_realistic():
    ttfts = [plan.ttft_s for plan in plans("bf16", "none", {})]
    assert median(ttfts) == pytest.approx(0.12, rel=0.05)
    assert all(0.004 < plan.token_s < 0.012 for plan in plans("bf16", "none", {}))


def test_the_fault_file_is_followed(tmp_path):
    path = tmp_path / "fault.json"
    file = FaultFile(path)
    assert file.current() is FAULTS["none"]
    for stamp, name in enumerate(("schema", "latency"), start=1):
        path.write_text(json.dumps({"fault": name, "since": "2026-01-01T00:00:00Z"}))
        os.utime(path, (stamp, stamp))
        assert file.current() is FAULTS[name]
    assert FaultFile(None).current() is FAULTS["none"]
