from datetime import UTC, datetime, timedelta

from detectors.types import PairCounts
from monitor.models.event import Leg, Recorder
from tests.support.record_by_record import LegRecord, TickPairs, pair_up, score_bits, score_tails

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
END = START + timedelta(seconds=10)
BASELINE, CANDIDATE = 1, 2
GOOD = {"request_error": 0.0, "schema_validity": 0.0}
BAD = {"request_error": 0.0, "schema_validity": 1.0}


def leg(request="r1", leg=Leg.PRIMARY, variant=CANDIDATE, after=1.0, readings=GOOD, **fields):
    return LegRecord(
        request_id=request,
        recorder=fields.pop("recorder", Recorder.SERVER),
        leg=leg,
        variant_id=variant,
        started_at=START + timedelta(seconds=after),
        readings=readings,
        slices=fields.pop("slices", ("first_turn",)),
        mirrored=fields.pop("mirrored", None),
    )


def shadow(request="r1", **fields):
    return leg(request, Leg.SHADOW, **{"variant": BASELINE, **fields})


def line(request="r1", **fields):
    return leg(request, recorder=Recorder.GATEWAY, slices=(), **{"readings": {"request_error": 0.0}, **fields})


def pairs(*records, complete=True) -> TickPairs:
    return pair_up(records, START, END, mirror_complete=complete)


def bits(found: TickPairs, signal="schema_validity", slice_="all"):
    return score_bits(found.pairs, CANDIDATE, BASELINE, signal, slice_)


def test_two_legs_of_one_request_are_a_pair():
    found = pairs(leg(readings=BAD), shadow())
    assert [(p.primary_variant, p.shadow_variant) for p in found.pairs] == [(CANDIDATE, BASELINE)]
    assert bits(found).complete == (PairCounts(n10=1),)


def test_the_primary_leg_decides_the_tick():
    inside = pairs(leg(after=9.9), shadow(after=10.4))
    outside = pairs(leg(after=10.1), shadow(after=9.9))
    assert (len(inside.pairs), len(outside.pairs)) == (1, 0)


def test_the_gateway_tells_when_the_primary_leg_began():
    found = pairs(line(after=9.9), leg(after=10.2), shadow(after=10.3))
    assert len(found.pairs) == 1
    assert not pairs(line(after=-0.1), leg(after=0.1), shadow(after=0.1)).pairs


def test_a_shadow_without_its_primary_belongs_to_its_own_tick():
    found = pairs(leg("r0"), shadow("r0"), shadow("r1", after=2.0))
    assert len(found.pairs) == 2
    assert bits(found).missing_candidate == 1


def test_the_same_variant_on_both_legs_is_an_a_a_pair():
    found = pairs(leg(variant=BASELINE, readings=BAD), shadow())
    assert bits(found).scored == 0
    assert score_bits(found.pairs, BASELINE, BASELINE, "schema_validity", "all").complete == (PairCounts(n10=1),)


def test_a_pair_counts_whichever_leg_the_candidate_was_on():
    found = pairs(leg(variant=BASELINE), shadow(variant=CANDIDATE, readings=BAD))
    assert bits(found).complete == (PairCounts(n10=1),)


def test_a_missing_shadow_scores_against_the_claim():
    found = bits(pairs(leg(readings=BAD), leg("r0"), shadow("r0")))
    assert found.harm == (PairCounts(n11=1, n00=1),), "for harm: the baseline that is missing was bad"
    assert found.safe == (PairCounts(n10=1, n00=1),), "for safe: it was good"
    assert (found.complete, found.missing_baseline) == ((PairCounts(n00=1),), 1)


def test_a_missing_candidate_scores_against_the_claim():
    found = bits(pairs(shadow(readings=BAD), leg("r0"), shadow("r0")))
    assert found.harm == (PairCounts(n01=1, n00=1),), "for harm: the candidate that is missing was good"
    assert found.safe == (PairCounts(n11=1, n00=1),), "for safe: it was bad"
    assert found.missing_candidate == 1


def test_a_missing_server_record_is_missing_though_the_gateway_saw_the_request():
    found = bits(pairs(line(), shadow(readings=BAD)))
    assert found.harm == (PairCounts(n01=1),)
    assert found.missing_candidate == 1


def test_a_request_that_the_mirror_did_not_sample_is_not_missing():
    found = pairs(leg(), complete=False)
    assert (found.pairs, found.unsampled) == ((), 1)


def test_the_access_log_tells_whether_the_mirror_sampled_a_request():
    sampled = pairs(leg(), line(mirrored=True), leg("r0"), shadow("r0"), complete=False)
    assert (len(sampled.pairs), sampled.unsampled) == (2, 0)
    unsampled = pairs(leg(), line(mirrored=False), complete=True)
    assert (unsampled.pairs, unsampled.unsampled) == ((), 1)


def test_recorders_that_contradict_each_other_exclude_the_request():
    found = pairs(leg(variant=CANDIDATE), line(variant=BASELINE), shadow())
    assert (found.pairs, found.conflicting) == ((), 1)
    assert pairs(leg(), shadow(variant=BASELINE), shadow(variant=CANDIDATE)).conflicting == 1


def test_a_failure_only_the_gateway_saw_is_an_outcome():
    dead = line(readings={"request_error": 1.0, "schema_validity": 1.0, "refusal": 0.0})
    found = pairs(dead, shadow())
    assert bits(found, "request_error").complete == (PairCounts(n10=1),)
    assert bits(found).complete == (PairCounts(n10=1),), "structure was asked for, the other leg tells"


def test_a_failure_only_the_gateway_saw_is_no_schema_failure_where_no_structure_was_asked_for():
    dead = line(readings={"request_error": 1.0, "schema_validity": 1.0})
    found = pairs(dead, shadow(readings={"request_error": 0.0}))
    assert bits(found).scored == 0


def test_either_recorder_can_report_a_failure():
    broken = pairs(leg(), line(readings={"request_error": 1.0, "schema_validity": 1.0}), shadow())
    assert bits(broken, "request_error").complete == (PairCounts(n10=1),)
    assert bits(broken).complete == (PairCounts(n00=1),), "the server's reading of the answer counts"
    other = pairs(leg(readings={"request_error": 1.0}), line(), shadow())
    assert bits(other, "request_error").complete == (PairCounts(n10=1),)


def test_a_gateways_times_never_stand_in_for_a_servers():
    """Only one leg has a gateway: losing the candidate's server records would make it look slower."""
    seen = line(readings={"request_error": 0.0, "latency_e2e": 900.0})
    found = pairs(seen, shadow(readings={"request_error": 0.0, "latency_e2e": 100.0}))
    scored = score_tails(
        found.pairs, CANDIDATE, BASELINE, "latency_e2e", "all", relative_margin=0.15, thresholds=lambda _: (250,)
    )
    assert scored.missing_candidate == 1
    assert scored.harm == (PairCounts(n00=1), PairCounts(), PairCounts())


def test_a_timeout_of_the_gateway_is_slow_for_everyone():
    seen = line(readings={"request_error": 1.0, "latency_e2e": float("inf")})
    found = pairs(seen, shadow(readings={"request_error": 0.0, "latency_e2e": 100.0}))
    scored = score_tails(
        found.pairs, CANDIDATE, BASELINE, "latency_e2e", "all", relative_margin=0.15, thresholds=lambda _: (300, None)
    )
    assert scored.harm == (PairCounts(n10=1), PairCounts(), PairCounts())


def test_slices_and_applicability_come_from_either_leg():
    found = pairs(leg(slices=()), shadow(slices=("first_turn",)))
    assert bits(found, slice_="first_turn").complete[0].n == 1
    assert bits(found, slice_="prompt:1k").scored == 0


def test_nothing_is_nothing():
    found = pairs()
    assert (found.pairs, found.unsampled, found.conflicting) == ((), 0, 0)
    assert bits(found).scored == 0
