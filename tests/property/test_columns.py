"""Columns against the reference: pairing and counting of all of a tick at once do what they do record by record."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf, isnan

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.registry import SIGNALS
from detectors.stats import latency
from detectors.types import PairCounts, SignalKind
from monitor.models.columns import NO_TOKENS, LegColumns
from monitor.models.event import Leg, Recorder
from monitor.services.count_columns import by_slices, count_bits, sides, tables_from
from monitor.services.load import Footing
from monitor.services.pair_columns import pair_columns
from monitor.services.tail_columns import count_tails, placed, prompts_of
from tests.support.record_by_record import LegRecord, Pair, pair_up, score_bits, score_prints, score_tails

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TICK = timedelta(seconds=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BITS, PRINT = ("request_error", "schema_validity"), "agreement"
TAILS = ("latency_e2e", "latency_ttft", "output_length")
BIT = st.sampled_from([0.0, 1.0])
MS = st.one_of(st.floats(0.0, 30_000.0), st.just(inf), st.floats(1.0, 30_000.0).map(lambda ms: -ms))
readings = st.fixed_dictionaries(
    {},
    optional={
        "request_error": st.sampled_from([1.0, 0.0]),
        "schema_validity": BIT,
        PRINT: st.sampled_from([0.0, 3.0, 4.0, 5.0, 6.0]),
        "latency_e2e": MS,
        "latency_ttft": MS,
        "output_length": st.integers(0, 500).map(float),
    },
)
records = st.builds(
    LegRecord,
    request_id=st.sampled_from(["r0", "r1", "r2"]),
    recorder=st.sampled_from(Recorder),
    leg=st.sampled_from([Leg.PRIMARY, Leg.SHADOW]),
    variant_id=st.sampled_from([0, 0, 0, 0, 0, 1, 2, 3]),
    started_at=st.sampled_from([-1_000, 0, 5, 5_000, 9_999, 10_000]).map(lambda ms: START + timedelta(milliseconds=ms)),
    readings=readings,
    slices=st.sampled_from([(), ("first_turn", "prompt:1k"), ("prompt:8k",), ("tag:a", "prompt:1k")]),
    mirrored=st.sampled_from([None, True, False]),
    tokens=st.sampled_from([None, 0, 64, 65, 80, 300, 2_000]),
)
batches = st.lists(
    records.map(lambda one: replace(one, variant_id=one.variant_id or (2 if one.leg is Leg.PRIMARY else 1))),
    max_size=9,
)
"""Mostly the candidate is primary and the baseline its shadow."""
edges = st.tuples(*[st.one_of(st.none(), st.integers(100, 500))] * 3)
NAMES = ["all", "first_turn", "prompt:1k", "prompt:8k", "tag:a"]


def columns(found):
    """The records as the storage reads them."""
    signals = tuple(sorted({name for record in found for name in record.readings}))
    sets = [frozenset(record.slices) for record in found]
    distinct = list(dict.fromkeys(sets))
    marks = {None: -1, False: 0, True: 1}
    return LegColumns(
        request=np.array([int(record.request_id[1:]) * 7919 % 13 for record in found], dtype=np.int64),
        gateway=np.array([record.recorder is Recorder.GATEWAY for record in found], dtype=bool),
        shadow=np.array([record.leg is Leg.SHADOW for record in found], dtype=bool),
        variant=np.array([record.variant_id for record in found], dtype=np.int64),
        began_us=np.array([micros(record.started_at) for record in found], dtype=np.int64),
        tokens=np.array([NO_TOKENS if r.tokens is None else r.tokens for r in found], dtype=np.int64),
        mirrored=np.array([marks[record.mirrored] for record in found], dtype=np.int8),
        client=np.zeros(len(found), dtype=np.int64),
        slice_set=np.array([distinct.index(one) for one in sets], dtype=np.int64),
        sets=distinct,
        signals=signals,
        readings=np.array([[record.readings.get(name, np.nan) for record in found] for name in signals]).reshape(
            len(signals), len(found)
        ),
    )


def micros(at):
    return (at - EPOCH) // timedelta(microseconds=1)


def paired(found, complete):
    return pair_columns(columns(found), micros(START), micros(START + TICK), mirror_complete=complete)


def unfolded(pairs):
    """The pairs as the reference returns them."""

    def leg(values):
        told = {name: value for name, value in zip(pairs.signals, values.tolist(), strict=True) if not isnan(value)}
        return told or None

    def length(tokens):
        return None if tokens == NO_TOKENS else int(tokens)

    for n in range(len(pairs)):
        applicable = {name for name, applies in zip(pairs.signals, pairs.applicable[:, n], strict=True) if applies}
        yield Pair(
            int(pairs.primary_variant[n]),
            int(pairs.shadow_variant[n]),
            leg(pairs.primary[:, n]),
            leg(pairs.shadow[:, n]),
            frozenset(applicable | {"request_error"}),
            pairs.sets[pairs.slice_set[n]].slices,
            length(pairs.primary_tokens[n]),
            length(pairs.shadow_tokens[n]),
        )


def key(pair):
    """A leg that said nothing counts like one that is missing."""
    legs = [tuple(sorted(leg.items())) if leg else None for leg in (pair.primary, pair.shadow)]
    lengths = (pair.primary_tokens, pair.shadow_tokens)
    return pair.primary_variant, pair.shadow_variant, *legs, pair.applicable, pair.slices, lengths


@settings(max_examples=400)
@given(batches, st.booleans())
def test_pairs_are_those_of_the_reference(found, complete):
    reference = pair_up(found, START, START + TICK, mirror_complete=complete)
    here = paired(found, complete)
    assert Counter(map(key, unfolded(here))) == Counter(map(key, reference.pairs))
    assert (here.unsampled, here.conflicting) == (reference.unsampled, reference.conflicting)
    assert here.seen() == Counter(name for pair in reference.pairs for name in pair.slices)


@settings(max_examples=200)
@given(batches, st.booleans(), st.sampled_from([(2, 1), (1, 1), (1, 2)]))
def test_bits_and_prints_are_counted_as_by_the_reference(found, complete, arms):
    reference = pair_up(found, START, START + TICK, mirror_complete=complete).pairs
    pairs = paired(found, complete)
    counted = count_bits(sides(pairs, *arms), [*BITS, PRINT], by_slices(pairs, NAMES), NAMES)
    for signal in (*BITS, PRINT):
        score = score_prints if SIGNALS[signal].kind is SignalKind.PRINT else score_bits
        for slice_ in NAMES:
            expected = score(reference, *arms, signal, slice_)
            if (signal, slice_) in counted:
                assert counted[signal, slice_] == expected
            else:
                assert expected.scored == 0


@settings(max_examples=300)
@given(
    batches,
    st.booleans(),
    st.sampled_from(TAILS),
    edges,
    st.sampled_from([0.0, 0.1, 0.5]),
    st.sampled_from([Footing(), Footing("load:2"), Footing("load:2", unlike=True)]),
    st.sampled_from([inf, 500.0]),
)
def test_tails_are_counted_as_by_the_reference(found, complete, signal, edge, margin, footing, limit_ms):
    def thresholds(stratum):
        return tuple(None if one is None else one + sum(map(len, stratum)) % 40 for one in edge)

    reference = pair_up(found, START, START + TICK, mirror_complete=complete).pairs
    pairs = paired(found, complete)
    arms, members = sides(pairs, 2, 1), by_slices(pairs, NAMES)
    if signal not in arms.signals:
        return
    legs = placed(pairs, arms, signal, footing, prompts_of(pairs))
    for row, slice_ in enumerate(NAMES):
        how = {"relative_margin": margin, "thresholds": thresholds, "limit_ms": limit_ms}
        expected = score_tails(reference, 2, 1, signal, slice_, footing=footing, **how)
        assert count_tails(legs, members[row], **how) == expected


def test_a_client_that_left_before_the_threshold_is_unknown_in_columns_too():
    def leg(which, variant, ms):
        told = {"latency_e2e": ms, "request_error": 0.0}
        return LegRecord("r0", Recorder.SERVER, which, variant, START, told, (), None)

    found = [leg(Leg.PRIMARY, 2, -500.0), leg(Leg.SHADOW, 1, 400.0)]
    pairs = paired(found, complete=True)
    how = {"relative_margin": 0.0, "thresholds": lambda _: (400, 400, 400)}
    legs = placed(pairs, sides(pairs, 2, 1), "latency_e2e", Footing(), prompts_of(pairs))
    scored = count_tails(legs, by_slices(pairs, NAMES)[0], **how)
    reference = pair_up(found, START, START + TICK, mirror_complete=True).pairs
    assert scored == score_tails(reference, 2, 1, "latency_e2e", "all", **how)
    assert scored.complete[0].n == 0
    assert scored.safe[0].n10 == 1


def test_every_state_of_a_pair_has_its_cell_under_each_claim():
    """Counts are powers of two, so that a sum tells which states are in it: good, bad and unknown of either leg."""
    harm, safe, complete = tables_from([1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
    assert harm == PairCounts(n11=16 + 32, n10=8, n01=2 + 4 + 128 + 256, n00=1 + 64)
    assert safe == PairCounts(n11=16 + 128, n10=8 + 32 + 64 + 256, n01=2, n00=1 + 4)
    assert complete == PairCounts(n11=16, n10=8, n01=2, n00=1)


def tick_of(signal, candidate, baseline):
    """One pair, by its columns and as the reference has it."""
    legs = ((Leg.PRIMARY, 2, candidate), (Leg.SHADOW, 1, baseline))
    found = [
        LegRecord("r0", Recorder.SERVER, leg, variant, START, {signal: value, "request_error": 0.0}, (), None)
        for leg, variant, value in legs
    ]
    return paired(found, complete=True), pair_up(found, START, START + TICK, mirror_complete=True).pairs


def test_the_candidate_is_allowed_its_margin_in_columns_too():
    slower, edge = latency.edge(300) * 1.05, 300
    how = {"relative_margin": 0.1, "thresholds": lambda _: (edge, edge, edge)}
    pairs, reference = tick_of("latency_ttft", slower, latency.edge(290))
    legs = placed(pairs, sides(pairs, 2, 1), "latency_ttft", Footing(), prompts_of(pairs))
    scored = count_tails(legs, by_slices(pairs, NAMES)[0], **how)
    assert scored == score_tails(reference, 2, 1, "latency_ttft", "all", **how)
    assert scored.complete[0] == PairCounts(n00=1)
    assert count_tails(legs, by_slices(pairs, NAMES)[0], **{**how, "relative_margin": 0.0}).complete[0].n10 == 1


def test_fingerprints_that_disagree_are_the_candidates_fault_in_columns_too():
    for prints, expected in (((4.0, 6.0), PairCounts(n10=1)), ((4.0, 4.0), PairCounts(n00=1))):
        pairs, reference = tick_of(PRINT, *prints)
        counted = count_bits(sides(pairs, 2, 1), [PRINT], by_slices(pairs, NAMES), NAMES)[PRINT, "all"]
        assert counted == score_prints(reference, 2, 1, PRINT, "all")
        assert counted.complete == (expected,)
