"""Laws of pairing and scoring: they hold for every order, split and naming of the records."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from detectors.types import PairCounts
from monitor.models.event import Leg, Recorder
from monitor.models.tick import ScoredTick
from tests.support.record_by_record import LegRecord, pair_up, score_bits

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TICK = timedelta(seconds=10)
SIGNAL = "schema_validity"
VARIANTS = (1, 2)

readings = st.fixed_dictionaries(
    {"request_error": st.sampled_from([0.0, 1.0])}, optional={SIGNAL: st.sampled_from([0.0, 1.0])}
)
records = st.builds(
    LegRecord,
    request_id=st.sampled_from([f"r{n}" for n in range(8)]),
    recorder=st.sampled_from(Recorder),
    leg=st.sampled_from([Leg.PRIMARY, Leg.SHADOW]),
    variant_id=st.sampled_from(VARIANTS),
    started_at=st.integers(0, 19_000).map(lambda ms: START + timedelta(milliseconds=ms)),
    readings=readings,
    slices=st.just(("first_turn",)),
    mirrored=st.sampled_from([None, True, False]),
)
batches = st.lists(records, max_size=30)


def scored(found, candidate=2, baseline=1, signal=SIGNAL, *, complete=True, start=START) -> ScoredTick:
    paired = pair_up(found, start, start + TICK, mirror_complete=complete)
    return score_bits(paired.pairs, candidate, baseline, signal, "all")


def swapped(counts: PairCounts) -> PairCounts:
    return PairCounts(n11=counts.n11, n10=counts.n01, n01=counts.n10, n00=counts.n00)


@given(batches, st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_records_does_not_matter(found, rng, complete):
    shuffled = list(found)
    rng.shuffle(shuffled)
    assert scored(shuffled, complete=complete) == scored(found, complete=complete)


@given(batches, st.data())
def test_records_may_arrive_in_any_two_batches(found, data):
    at = data.draw(st.integers(0, len(found)))
    assert scored(found[at:] + found[:at]) == scored(found)


@given(batches)
def test_each_request_counts_in_one_tick_only(found):
    ticks = [pair_up(found, START + n * TICK, START + (n + 1) * TICK, mirror_complete=True) for n in range(3)]
    seen = sum(len(t.pairs) + t.unsampled + t.conflicting for t in ticks)
    assert seen <= len({record.request_id for record in found})


@given(batches)
def test_swapping_candidate_and_baseline_transposes_the_table(found):
    here, there = scored(found, 2, 1), scored(found, 1, 2)
    assert there.complete == tuple(map(swapped, here.complete))
    assert there.harm == tuple(map(swapped, here.safe)), "harm of one is safety of the other"
    assert (there.missing_candidate, there.missing_baseline) == (here.missing_baseline, here.missing_candidate)


@given(batches)
def test_the_claims_differ_only_by_what_is_missing(found):
    tick = scored(found)
    assert tick.harm[0].n == tick.safe[0].n == tick.scored
    assert tick.harm[0].candidate_bad <= tick.safe[0].candidate_bad
    assert tick.harm[0].baseline_bad >= tick.safe[0].baseline_bad


def discordance(tick: ScoredTick) -> int:
    return tick.harm[0].n10 - tick.harm[0].n01


clean = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12)


@given(clean, st.data())
def test_losing_one_leg_of_any_requests_never_adds_evidence_of_harm(outcomes, data):
    legs = []
    for n, (candidate_bad, baseline_bad) in enumerate(outcomes):
        for leg, variant, bad in ((Leg.PRIMARY, 2, candidate_bad), (Leg.SHADOW, 1, baseline_bad)):
            told = {"request_error": 0.0, SIGNAL: float(bad)}
            legs.append(LegRecord(f"r{n}", Recorder.SERVER, leg, variant, START, told, (), None))
    pair = LegRecord("anchor", Recorder.SERVER, Leg.PRIMARY, 2, START, {SIGNAL: 0.0}, (), None)
    other = LegRecord("anchor", Recorder.SERVER, Leg.SHADOW, 1, START, {SIGNAL: 0.0}, (), None)
    lost = data.draw(st.sets(st.integers(0, len(outcomes) - 1)))
    which = data.draw(st.sampled_from([Leg.PRIMARY, Leg.SHADOW]))
    kept = [one for n, one in enumerate(legs) if not (n // 2 in lost and one.leg is which)]
    assert discordance(scored([*kept, pair, other])) <= discordance(scored([*legs, pair, other]))
