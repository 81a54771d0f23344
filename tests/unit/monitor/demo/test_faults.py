"""Every fault's answers, read by the real detectors through the real intake: bad when faulty, good when not."""

# ruff: noqa: S311 - these generators guard nothing

import random
from collections import Counter
from functools import cache
from itertools import product
from pathlib import Path

import msgspec
import pytest

from detectors.registry import SIGNALS
from detectors.signals.agreement import disagrees
from detectors.types import Indicts, SignalKind
from monitor.demo.behaviour import Behaviour
from monitor.demo.damage import NoAnswer
from monitor.demo.fault import Fault
from monitor.demo.faults import FAULTS, fault
from monitor.demo.scenarios import SCENARIOS
from monitor.demo.users import Conversation, TrafficPlan
from monitor.models.slices import family_of, value_of
from monitor.services.policies import policy_schema
from tests.support.demo import event_of, exchange_of

TALKS = 16
"""Conversations of each scenario."""
MORE = 100
"""More of the agents'."""
ENOUGH = 60
REACTIONS = {"correction", "retry"}
HARMFUL = [name for name, each in FAULTS.items() if each.expected]
READ_OFF_ANSWERS = [name for name in HARMFUL if name not in {*REACTIONS, "dead", "quantized"}]
RARE = [name for name in HARMFUL if FAULTS[name].only]


@cache
def asked():
    """Return requests as the demo's users send them to the healthy baseline, with their ids and its plans."""
    requests, baseline = [], Behaviour(5, "bf16")
    for number, (name, _) in enumerate([*product(SCENARIOS, range(TALKS)), *product(["agent"], range(MORE))]):
        talk, going_on = Conversation(TrafficPlan(), random.Random(number), name), True
        while going_on:
            request_id, body = talk.next_request()
            body = msgspec.json.decode(msgspec.json.encode(body))
            plan = baseline.plan(body, request_id, fault("none"))
            requests.append((name, request_id, body, plan))
            going_on = not isinstance(plan.answer, NoAnswer) and talk.hear(plan.answer.message)
    return requests


def legs(name):
    """Yield each request with the baseline's plan and that of a candidate with a fault."""
    candidate = Behaviour(5, "int4")
    for _, request_id, request, good in asked():
        yield request, good, candidate.plan(request, request_id, fault(name))


def bad(signal, ours, theirs):
    """Tell whether a candidate's reading is worse than its baseline's, as the tests see it."""
    mine, other = signal.read(ours), signal.read(theirs)
    if mine is None or other is None:
        return None
    match signal.kind:
        case SignalKind.BIT:
            return mine.value == 1.0
        case SignalKind.PRINT:
            return disagrees(int(mine.value), int(other.value))
        case _:
            return mine.value > (1 + signal.default_margin.relative) * other.value


@pytest.mark.parametrize("name", READ_OFF_ANSWERS)
def test_the_expected_signal_reads_every_faulty_answer_and_no_healthy_one(name):
    signals = [SIGNALS[each] for each in fault(name).signals]
    faulty, healthy = [], []
    for request, good, plan in legs(name):
        if plan.injected and len(faulty) < ENOUGH:
            ours, theirs = exchange_of(request, plan), exchange_of(request, good)
            faulty.append(any(bad(signal, ours, theirs) for signal in signals))
            healthy.append(any(bad(signal, theirs, theirs) for signal in signals))
    assert len(faulty) >= 15
    assert sum(faulty) >= 0.95 * len(faulty)
    assert sum(healthy) <= 0.05 * len(healthy)


@pytest.mark.parametrize("name", RARE)
def test_a_slice_fault_is_within_the_margin_of_the_whole(name):
    """Shares times margins: what shows in its slice is too rare for ``all``, by the traffic's own shares."""
    signal, (slice_,) = SIGNALS[fault(name).signals[0]], fault(name).slices
    read, wrong, asked_for = Counter(), Counter(), Counter()
    for scenario, _, request, good in asked():
        if isinstance(good.answer, NoAnswer):
            continue
        event = event_of(request, good)
        concerned = fault(name).concerns(request)
        assert concerned <= (slice_ in event.slices)
        read[scenario] += signal.read(event.exchange) is not None
        wrong[scenario] += concerned * fault(name).share
        asked_for[scenario] += 1
    assert wrong

    def share(counts):
        return sum(SCENARIOS[scenario].share * counts[scenario] / asked_for[scenario] for scenario in asked_for)

    tolerated = fault(name).policy["signals"][signal.name]["margin_absolute"]
    assert share(wrong) / share(read) < tolerated


def test_twins_without_a_fault_read_alike():
    worse = dict.fromkeys(SIGNALS, 0)
    for request, good, plan in legs("none"):
        assert not plan.injected
        ours, theirs = exchange_of(request, plan), exchange_of(request, good)
        for name, signal in SIGNALS.items():
            if signal.indicts is Indicts.THIS:
                worse[name] += bool(bad(signal, ours, theirs)) and not bad(signal, theirs, ours)
    total = len(asked())
    assert {name: count for name, count in worse.items() if count > 0.03 * total} == {}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_completely(name):
    each = fault(name)
    assert each.sentence
    assert set(each.signals) <= set(SIGNALS)
    assert each.expected == (name != "none")
    assert each.simulated == (name not in {"none", "dead", "quantized"})
    known = policy_schema()["properties"]
    assert set(each.policy) <= {*known, "reactions"}
    watched = each.policy.get("slices", ["all", "first_turn"])
    families = [family_of(entry) for entry in watched]
    for slice_ in each.slices:
        assert slice_ in watched or any(family and value_of(slice_, family) for family in families)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_documented_with_what_the_incident_must_name(name):
    page = (Path(__file__).parents[4] / "docs" / "demo.md").read_text("utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
    assert all(f"`{signal}`" in line for signal in fault(name).signals)
    assert ("slice" in line or "` in `" in line) == bool(fault(name).only)


def test_an_unknown_fault_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no fault 'rust'.*none, schema, tools"):
        fault("rust")
    with pytest.raises(ValueError, match="share"):
        Fault("odd", "odd", share=1.5)
