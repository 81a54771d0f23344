"""Which design a policy may choose for a signal, and what that makes of its streams."""

import msgspec
import pytest

from detectors.registry import SIGNALS
from detectors.stats import stream as detector
from detectors.stats.fleet_states import Member
from detectors.types import ArmCounts, Design
from monitor.errors import ValidationError
from monitor.models.variant import Role, Tier, Variant
from monitor.services.policies import parse_policy
from monitor.services.watch import Remembered, watch
from tests.conftest import START

VARIANTS = [
    Variant(1, 1, "bf16", Role.BASELINE, "base", "bf16", Tier.SERVING, None, None, START),
    Variant(2, 1, "int4", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED, None, None, START),
]
RARE = {"margin_absolute": 0, "margin_relative": 0.5, "design": "conditional"}


def policy(**signals):
    return parse_policy("p", 1, {"signals": {name: {"weight": 0} for name in SIGNALS} | signals})


def stream(chosen, signal="correction"):
    (one,) = [
        w
        for w in watch(chosen, VARIANTS, (), epoch=0, fleet=1)
        if (w.stream.signal, w.stream.slice, w.stream.candidate_id) == (signal, "all", 2)
    ]
    return one


def test_a_policy_chooses_the_conditional_design_for_reactions():
    one, other = stream(policy(correction=RARE)), stream(policy(correction={**RARE, "design": "conditional"}))
    assert one.config.design is Design.CONDITIONAL
    assert one.stream.fingerprint == other.stream.fingerprint
    plain = stream(policy(correction={"margin_absolute": 0, "margin_relative": 0.5}))
    assert plain.config.design is Design.UNPAIRED
    assert plain.stream.fingerprint != one.stream.fingerprint, "its streams restart"


@pytest.mark.parametrize(
    ("signal", "entry", "why"),
    [
        ("schema_validity", RARE, "conditional compares arms, 'schema_validity' has pairs; only retry_loop"),
        ("correction", {**RARE, "margin_absolute": 0.01}, "got margin_absolute 0.01; state margin_absolute: 0"),
        ("correction", {"design": "conditional"}, "got margin_absolute None"),
        ("correction", {**RARE, "design": "unpaired"}, "/signals/correction/design"),
    ],
)
def test_a_design_that_does_not_fit_is_refused(signal, entry, why):
    with pytest.raises(ValidationError, match=why):
        policy(**{signal: entry})


def test_a_conditional_stream_sees_a_ratio_of_rare_reactions():
    """0.2 % against 1 %: no baseline rate is learned, an arm without sessions tells nothing, the state goes on."""
    one = stream(policy(correction=RARE))
    state, alarms = one.memory.state.plain(), []
    for tick in range(400):
        counts = [ArmCounts(400, 4, 100, int(tick % 5 == 0)) if tick % 7 else ArmCounts(400, 40, 0, 0)]
        state, alarm = detector.fold(state, one.config, tick, counts, counts)
        alarms += [tick] if alarm else []
        if tick == 5:
            stored = msgspec.json.decode(msgspec.json.encode(Remembered(Member.of(state)).to_json()))
            state = Remembered.from_json(stored).state.plain()
    assert alarms
    assert state.rates == ()
    quiet = one.memory.state.plain()
    for tick in range(400):
        counts = [ArmCounts(400, int(tick % 2 == 0), 100, int(tick % 8 == 0))]
        quiet, alarm = detector.fold(quiet, one.config, tick, counts, counts)
        assert alarm is None
