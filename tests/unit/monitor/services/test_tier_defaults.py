"""What tier and facts set: margins, slices, what is compared with what; and that nothing unconfirmed does."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.registry import SIGNALS
from detectors.types import Margin, Message, Request, SignalKind
from monitor.intake.slices import slices_of
from monitor.models.artifact import NO_FACTS, Artifact
from monitor.models.variant import Role, Tier, Variant
from monitor.services.agreement_band import AgreementBand, agreement_band
from monitor.services.policies import parse_policy
from monitor.services.tier_defaults import SENSITIVE_SLICES, defaults_for, effective_bits, is_quality, policy_for
from monitor.services.watch import watch
from tests.conftest import START

QUALITY = ["schema_validity", "refusal"]
BITS = st.floats(1, 16)
FACTS = st.builds(
    Artifact,
    bits=st.none() | BITS,
    activation_bits=st.none() | st.sampled_from([4.0, 8.0, 16.0]),
    kv_cache=st.sampled_from([None, "fp8", "q4_0", "int8", "auto"]),
    parameters_b=st.none() | st.floats(0.1, 1000),
    mixture_of_experts=st.none() | st.booleans(),
    distilled=st.none() | st.booleans(),
)


def margin(tier, signal="refusal", **facts):
    return defaults_for(tier, Artifact(**facts)).margins[signal].absolute


@pytest.mark.parametrize(
    ("tier", "facts", "absolute"),
    [
        (Tier.SERVING, {}, 0.002),
        (Tier.SERVING, {"bits": 4}, 0.002),
        (Tier.QUANTIZED, {"bits": 16}, 0.002),
        (Tier.QUANTIZED, {"bits": 8}, 0.003),
        (Tier.QUANTIZED, {"bits": 6}, 0.004),
        (Tier.QUANTIZED, {"bits": 4}, 0.005),
        (Tier.QUANTIZED, {"bits": 4.25}, 0.005),
        (Tier.QUANTIZED, {}, 0.005),
        (Tier.QUANTIZED, {"bits": 3}, 0.01),
        (Tier.QUANTIZED, {"bits": 1.58}, 0.01),
        (Tier.QUANTIZED, {"bits": 8, "kv_cache": "q4_0"}, 0.005),
        (Tier.QUANTIZED, {"bits": 4, "kv_cache": "fp8"}, 0.005),
        (Tier.QUANTIZED, {"bits": 8, "activation_bits": 4}, 0.005),
        (Tier.QUANTIZED, {"bits": 8, "mixture_of_experts": True}, 0.0015),
        (Tier.QUANTIZED, {"bits": 4, "parameters_b": 7}, 0.0025),
        (Tier.QUANTIZED, {"bits": 4, "parameters_b": 8}, 0.005),
        (Tier.QUANTIZED, {"bits": 4, "parameters_b": 1.5, "distilled": True}, 0.0025),
        (Tier.QUANTIZED, {"bits": 4, "distilled": True}, 0.0025),
        (Tier.DERIVED, {"bits": 4, "mixture_of_experts": True}, 0.005),
    ],
)
def test_the_margin_of_a_quality_signal(tier, facts, absolute):
    for signal in QUALITY:
        assert margin(tier, signal, **facts) == pytest.approx(absolute)


@given(st.sampled_from(Tier), FACTS)
def test_latencies_and_failures_keep_their_margins(tier, facts):
    found = defaults_for(tier, facts).margins
    assert found.keys() == SIGNALS.keys()
    kept = {name for name, signal in SIGNALS.items() if signal.kind is SignalKind.LATENCY} | {"request_error"}
    assert {name for name in found if not is_quality(name)} == kept
    assert all(found[name] == SIGNALS[name].default_margin for name in kept)


@given(FACTS, BITS, BITS)
def test_fewer_bits_never_tighten_a_margin(facts, one, other):
    fewer, more = sorted((one, other))
    assert margin(Tier.QUANTIZED, **as_dict(facts, bits=fewer)) >= margin(Tier.QUANTIZED, **as_dict(facts, bits=more))


@given(FACTS)
def test_serving_is_no_looser_than_full_width_and_sensitive_models_are_stricter(facts):
    plain = as_dict(facts, mixture_of_experts=None, distilled=None, parameters_b=None)
    for sensitive in ({"mixture_of_experts": True}, {"distilled": True}, {"parameters_b": 7.9}):
        assert margin(Tier.QUANTIZED, **plain | sensitive) == pytest.approx(margin(Tier.QUANTIZED, **plain) / 2)
    assert margin(Tier.SERVING, **plain) <= margin(Tier.QUANTIZED, **plain)


def as_dict(facts, **changes):
    return {**facts.to_json(), **changes}


@pytest.mark.parametrize(
    ("facts", "bits"),
    [
        ({}, None),
        ({"bits": 8, "activation_bits": 4}, 4),
        ({"bits": 16, "kv_cache": "fp8_e5m2"}, 8),
        ({"bits": 4, "kv_cache": "int8"}, 4),
        ({"bits": 16, "kv_cache": "bf16"}, 16),
        ({"bits": 16, "kv_cache": "fp16"}, 16),
        ({"bits": 16, "kv_cache": "nvfp4"}, 4),
        ({"kv_cache": "auto"}, None),
    ],
)
def test_the_fewest_bits_count(facts, bits):
    assert effective_bits(Artifact(**facts)) == bits


@pytest.mark.parametrize(
    ("tier", "bits", "slices"),
    [
        (Tier.QUANTIZED, 4, SENSITIVE_SLICES),
        (Tier.QUANTIZED, 7, SENSITIVE_SLICES),
        (Tier.DERIVED, 4, SENSITIVE_SLICES),
        (Tier.QUANTIZED, 8, ()),
        (Tier.QUANTIZED, None, ()),
        (Tier.SERVING, 4, ()),
    ],
)
def test_long_prompts_are_watched_below_eight_bits(tier, bits, slices):
    assert defaults_for(tier, Artifact(bits=bits)).slices == slices


def test_the_slices_are_ones_that_ingest_gives():
    long = Request(messages=(Message("user", "```" + "x" * 40_000),), json_object=True, reasoning=True)
    assert set(SENSITIVE_SLICES) <= set(slices_of(long))


# How a policy holds for a variant


def variant(id_, name, role=Role.CANDIDATE, tier=Tier.QUANTIZED, facts=NO_FACTS, *, confirmed=True):
    made = Variant(id_, 1, name, role, name, "x", tier, None, None, START, facts)
    return replace(made, confirmed_by="ana", confirmed_at=START) if confirmed else made


BASE = variant(1, "bf16", Role.BASELINE, Tier.SERVING)
INT4 = variant(2, "int4", facts=Artifact(bits=4))
FP8 = variant(3, "fp8", facts=Artifact(bits=8))


def policy(**document):
    return parse_policy("default", 0, document)


def margins_of(policy):
    return {name: policy.signals[name].margin.absolute for name in QUALITY}


def test_nothing_unconfirmed_sets_anything():
    plain = policy()
    unsure = replace(FP8, confirmed_by=None, confirmed_at=None)
    assert policy_for(plain, unsure, [BASE, unsure]) is plain
    assert policy_for(plain, BASE, [BASE, unsure]) is plain


def test_a_margin_that_the_policy_names_stands():
    named = policy(signals={"refusal": {"margin_absolute": 0.02}, "latency_e2e": {"weight": 2}})
    own = policy_for(named, FP8, [BASE, FP8])
    assert margins_of(own) == pytest.approx({"refusal": 0.02, "schema_validity": 0.003})
    assert own.signals["latency_e2e"].weight == 2
    relative = policy_for(policy(signals={"refusal": {"margin_relative": 0.1}}), FP8, [BASE, FP8])
    assert relative.signals["refusal"].margin == Margin(0.005, 0.1)


def test_slices_that_the_policy_names_stand():
    assert policy_for(policy(), INT4, [BASE, INT4]).slices == ("all", "first_turn", *SENSITIVE_SLICES)
    assert policy_for(policy(), FP8, [BASE, FP8]).slices == ("all", "first_turn")
    assert policy_for(policy(slices=["all"]), INT4, [BASE, INT4]).slices == ("all",)


def test_the_baseline_is_held_to_the_strictest_of_its_candidates():
    own = policy_for(policy(), BASE, [BASE, INT4, FP8])
    assert margins_of(own) == pytest.approx(dict.fromkeys(QUALITY, 0.003))
    assert own.slices == ("all", "first_turn", *SENSITIVE_SLICES)
    coarse = variant(4, "int2", facts=Artifact(bits=2))
    unsure = variant(5, "who", confirmed=False)
    assert margins_of(policy_for(policy(), BASE, [BASE, coarse, unsure])) == pytest.approx(
        dict.fromkeys(QUALITY, 0.005)
    )
    assert margins_of(policy_for(policy(), BASE, [BASE, coarse])) == pytest.approx(dict.fromkeys(QUALITY, 0.01))


# How that changes what is watched


def watched(*variants, **document):
    found = watch(policy(**document), variants, [], epoch=0, fleet=1)
    return {(one.stream.candidate_id, one.stream.signal, one.stream.slice): one for one in found}


def moved():
    """The watched signals whose margin a factor changes."""
    return {name for name in policy().signals if is_quality(name) and SIGNALS[name].default_margin != Margin()}


def prints(*variants, **document):
    return {key: one.stream.fingerprint for key, one in watched(*variants, **document).items()}


def test_a_confirmation_restarts_the_streams_whose_margin_it_changes_and_no_others():
    unsure = replace(FP8, confirmed_by=None, confirmed_at=None)
    before, after = prints(BASE, unsure), prints(BASE, FP8)
    assert before.keys() == after.keys()
    changed = [key for key in after if before[key] != after[key]]
    assert {signal for _, signal, _ in changed} == moved()
    assert {id_ for id_, _, _ in changed} == {1, 3}
    assert prints(BASE, replace(FP8, artifact=Artifact(bits=8, engine="vllm"))) == after
    assert prints(BASE, replace(FP8, artifact=Artifact(bits=8, mixture_of_experts=True))) != after


def test_the_margin_reaches_the_test_itself():
    found = watched(BASE, FP8)
    assert found[3, "refusal", "all"].config.margin.absolute == pytest.approx(0.003)
    assert found[1, "refusal", "all"].config.margin.absolute == pytest.approx(0.003)
    assert found[3, "latency_e2e", "all"].relative_margin == 0.15
    assert (2, "refusal", "prompt:over32k") in watched(BASE, INT4)
    assert (3, "refusal", "prompt:over32k") not in watched(BASE, INT4, FP8)


def test_a_further_slice_takes_its_budget_from_its_own_variant():
    alone, beside = watched(BASE, INT4, FP8), watched(BASE, replace(INT4, confirmed_by=None, confirmed_at=None), FP8)
    assert alone[3, "refusal", "all"].stream.threshold == beside[3, "refusal", "all"].stream.threshold
    for found in (alone, beside):
        for id_ in (2, 3):
            spent = sum(1 / one.stream.threshold for key, one in found.items() if key[0] == id_)
            assert spent == pytest.approx(0.1 / 2 / 259_200 * 39 / 40), "the rest is for broken variants"


def derived(**facts):
    return variant(5, "tuned-int4", tier=Tier.DERIVED, facts=Artifact(bits=4, **facts))


def compared(found, id_=5):
    return {signal: found[id_, signal, "all"].baseline_id for _, signal, _ in found}


def test_the_quality_of_a_derived_variant_compares_with_its_own_reference():
    tuned = variant(4, "tuned-bf16", tier=Tier.DERIVED)
    mine = derived(reference="tuned-bf16")
    found = watched(BASE, tuned, mine)
    assert compared(found) == {name: 4 if is_quality(name) else 1 for name in policy().signals}
    assert compared(found, 4) == dict.fromkeys(policy().signals, 1)
    assert not found[5, "refusal", "all"].is_aa
    assert prints(BASE, tuned, mine)[5, "refusal", "all"] != prints(BASE, tuned, derived())[5, "refusal", "all"]


@pytest.mark.parametrize(
    "mine",
    [
        derived(),
        derived(reference="gone"),
        derived(reference="tuned-int4"),
        replace(derived(reference="tuned-bf16"), confirmed_at=None),
        replace(derived(reference="tuned-bf16"), tier=Tier.QUANTIZED),
    ],
    ids=["none", "unknown", "itself", "unconfirmed", "another tier"],
)
def test_else_it_compares_with_the_baseline(mine):
    assert compared(watched(BASE, variant(4, "tuned-bf16", tier=Tier.DERIVED), mine)) == dict.fromkeys(
        policy().signals, 1
    )


# Agreement


@pytest.mark.parametrize(
    ("tier", "bits", "measured"),
    [
        (Tier.SERVING, None, [0.99739]),
        (Tier.QUANTIZED, 16, [0.99739]),
        (Tier.QUANTIZED, 8, [0.98846, 0.97674]),
        (Tier.QUANTIZED, 6, [0.97520, 0.96031]),
        (Tier.QUANTIZED, 4, [0.94665, 0.91901]),
        (Tier.QUANTIZED, 2, [0.85584, 0.71138]),
        (Tier.QUANTIZED, None, [0.99739, 0.71138]),
    ],
)
def test_what_was_measured_lies_inside_its_band(tier, bits, measured):
    band = agreement_band(tier, Artifact(bits=bits))
    assert all(band.holds(share) for share in measured)
    assert band.source


def test_a_declaration_of_another_width_is_outside():
    serving, eight = agreement_band(Tier.SERVING, NO_FACTS), agreement_band(Tier.QUANTIZED, Artifact(bits=8))
    assert not serving.holds(0.97674)
    assert not eight.holds(0.94665)
    assert not agreement_band(Tier.QUANTIZED, Artifact(bits=4)).holds(0.85584)
    assert not agreement_band(Tier.DERIVED, NO_FACTS).holds(0.99739)
    assert not agreement_band(Tier.QUANTIZED, Artifact(bits=2)).holds(0.99739)


@given(BITS, BITS)
def test_fewer_bits_never_raise_a_band(one, other):
    fewer, more = (agreement_band(Tier.QUANTIZED, Artifact(bits=bits)) for bits in sorted((one, other)))
    assert fewer.low <= more.low
    assert fewer.high <= more.high


@pytest.mark.parametrize(("low", "high"), [(0.5, 0.5), (-0.1, 1.0), (0.0, 1.1), (0.9, 0.1)])
def test_a_band_has_two_ends(low, high):
    with pytest.raises(ValueError, match="0 <= low < high <= 1"):
        AgreementBand(low, high, "x")


@given(st.sampled_from(Tier), FACTS, st.integers(1, 999))
def test_longer_answers_agree_less_often(tier, facts, tokens):
    band = agreement_band(tier, facts)
    longer, shorter = band.of_answers(tokens + 1), band.of_answers(tokens)
    assert longer.low <= shorter.low <= band.low
    assert longer.high <= shorter.high <= band.high


def test_an_answer_agrees_when_each_of_its_tokens_does():
    four = agreement_band(Tier.QUANTIZED, Artifact(bits=4))
    assert four.of_answers(1) == replace(four, source=four.source + "; to the power of 1")
    assert (four.of_answers(2).low, four.of_answers(2).high) == pytest.approx((0.88**2, 0.999**2))
    for tokens in (0, -1, 1001):
        with pytest.raises(ValueError, match="tokens must be in 1 to 1000"):
            four.of_answers(tokens)
