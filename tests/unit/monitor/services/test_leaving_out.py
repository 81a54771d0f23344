"""Whose the pairs of a run are, tick by tick, against counting them one by one; and what alarms may do then."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.registry import SIGNALS
from detectors.stats.fleet_states import Member
from detectors.stats.influence import add, log_evidence
from detectors.types import PairCounts
from monitor.models.columns import NOBODY, PairColumns, SliceSet
from monitor.models.tick import ScoredTick
from monitor.models.variant import Role, Tier, Variant
from monitor.services.beside import Beside, Run
from monitor.services.beside_tick import PATIENCE_TICKS, Raised, beside_after
from monitor.services.counting import count_all
from monitor.services.folding import Due, fold_together
from monitor.services.leaving_out import SLACK, runs_after, stands
from monitor.services.load import Footing
from monitor.services.policies import parse_policy
from monitor.services.watch import watch
from tests.conftest import START

BASE, CAND = 1, 2
VARIANTS = [
    Variant(BASE, 1, "bf16", Role.BASELINE, "base", "bf16", Tier.SERVING, None, None, START),
    Variant(CAND, 1, "int4", Role.CANDIDATE, "cand", "int4", Tier.QUANTIZED, None, None, START),
]
SCHEMA = "schema_validity"
POLICY = parse_policy(
    "p",
    1,
    {
        "slices": ["all", "lang:de"],
        "signals": {name: {"weight": 0} for name in SIGNALS} | {SCHEMA: {"margin_absolute": 0.005}},
    },
)
SETS = [SliceSet(frozenset({"all"})), SliceSet(frozenset({"all", "lang:de"}))]
PAIR = st.tuples(st.integers(1, 5), st.integers(0, 1), st.sampled_from([0, 0, 1]), st.sampled_from([0, 0, 0, 1]))
"""Client, slice set, the candidate's reading and the baseline's."""


def streams(run=None):
    found = watch(POLICY, VARIANTS, (), epoch=0, fleet=1)
    numbered = [replace(one, stream=replace(one.stream, id=n)) for n, one in enumerate(found, 1)]
    return [
        replace(one, memory=replace(one.memory, beside=Beside(run=(run or {}).get(one.stream.id)))) for one in numbered
    ]


def columns(pairs, primary=CAND):
    n = len(pairs)
    client, slice_set, x, y = (
        (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
        if pairs
        else (np.empty(0, dtype=np.int64),) * 4
    )
    return PairColumns(
        primary_variant=np.full(n, primary),
        shadow_variant=np.full(n, BASE),
        signals=(SCHEMA,),
        primary=x[None].astype(np.float64),
        shadow=y[None].astype(np.float64),
        applicable=np.ones((1, n), dtype=np.bool_),
        slice_set=slice_set,
        sets=SETS,
        primary_tokens=client,
        shadow_tokens=client,
        client=client,
    )


def step(run, pairs, tick, primary=CAND):
    watched, found = streams(run), columns(pairs, primary)
    counted = count_all(
        found, watched, thresholds=lambda _: lambda _: (), footing=lambda *_: Footing(None, False), horizon_s=9.0
    )
    return runs_after(found, watched, counted, tick)


def of(slice_, which=CAND):
    (one,) = [w for w in streams() if (w.stream.candidate_id, w.stream.slice) == (which, slice_)]
    return one


def by_hand(ticks, slice_):
    """The run as it would be counted one pair at a time, with every client's pairs."""
    run = None
    for tick, pairs in enumerate(ticks):
        mine: dict[str, PairCounts] = {}
        for client, slice_set, x, y in pairs:
            if slice_ in SETS[slice_set].slices:
                cells = PairCounts(x * y, x * (1 - y), (1 - x) * y, (1 - x) * (1 - y))
                mine[str(client)] = mine.get(str(client), PairCounts()) + cells
        if run is None and not sum(mine.values(), PairCounts()).n10:
            continue
        run = run or Run(tick, Run.from_json({"since": 0, "table": EMPTY, "hangs": False}).table)
        wanted = {each.client for each in run.table.kept} | {client for client, counts in mine.items() if counts.n10}
        rest = sum((counts for client, counts in mine.items() if client not in wanted), PairCounts())
        named = {client: counts for client, counts in mine.items() if client in wanted}
        run = replace(run, table=add(run.table, {**named, "": rest}))
        if not log_evidence(run.table.total.cells, of(slice_).config.margin) > 0.0:
            run = None
    return run


EMPTY = {"format": 1, "kept": (), "total": {"n11": 0, "n10": 0, "n01": 0, "n00": 0}, "missed": 0, "capacity": 64}


@settings(deadline=None)
@given(st.lists(st.lists(PAIR, max_size=14), max_size=6))
def test_runs_are_as_counted_pair_by_pair(ticks):
    runs = {}
    for tick, pairs in enumerate(ticks):
        runs = step(runs, pairs, tick)
    for slice_ in ("all", "lang:de"):
        found = runs.get(of(slice_).stream.id)
        expected = by_hand(ticks, slice_)
        assert found == expected
        if found is not None:
            assert Run.from_json(found.to_json()) == found


def test_nobody_is_left_out_where_most_name_nobody():
    bad = [(NOBODY, 0, 1, 0)] * 6 + [(1, 0, 1, 0)] * 4
    assert step({}, bad, 0) == {}
    assert step({}, [*bad, *[(2, 0, 1, 0)] * 3], 0).keys() == {of("all").stream.id}


def test_the_baseline_against_itself_has_no_run():
    watched = streams()
    assert {one.is_aa for one in watched} == {True, False}
    found = step({}, [(1, 0, 1, 0)] * 9, 0)
    assert {one.is_aa for one in watched if one.stream.id in found} == {False}
    assert step({}, [(1, 0, 1, 0)] * 9, 0, primary=BASE) == {}


def run_of(clients, since=3, hangs=False):
    return Run(since, add(Run.from_json({"since": 0, "table": EMPTY, "hangs": False}).table, clients), hangs)


ALONE = {"7": PairCounts(n10=60, n00=40), "8": PairCounts(n00=900)}
SHARED = {str(n): PairCounts(n10=12, n00=188) for n in range(10)}
ALARM = Raised(3, PairCounts(n10=60, n00=940), 20.0, None)


def after(run, raised=None, one=None, scored=None, tick=9, frozen=False):
    one = one or of("all")
    scored = scored or ScoredTick((PairCounts(n00=5),), (PairCounts(n00=5),), (PairCounts(n00=5),), 5)
    return beside_after(due(one, scored), one, one.memory.state, tick, scored, raised, run, frozen=frozen)


def due(one, scored):
    return Due(one.memory.state, one.config, scored.harm, scored.safe)


def test_an_alarm_that_hangs_on_one_client_only_advises_and_is_looked_at_again():
    raised, beside = after(run_of(ALONE), ALARM)
    assert raised.advice.startswith(
        "It hangs on one client: 60 of the 60 failures of the candidate alone are that client's"
    )
    assert beside.run.hangs
    assert after(beside.run) == (None, beside), "nothing new, nothing told"
    others = replace(beside.run, table=add(beside.run.table, SHARED))
    raised, later = after(others)
    assert (raised.advice, raised.onset_tick, raised.since) == (None, 3, others.table.total)
    assert later.run is None, "a new run begins after a full alarm"


def test_an_alarm_that_stands_without_any_client_is_raised_as_it_is():
    raised, beside = after(run_of(SHARED), ALARM)
    assert (raised, beside.run) == (ALARM, None)
    assert after(None, ALARM)[0] == ALARM, "nobody can be left out"
    assert after(run_of(SHARED))[0] is None, "no alarm, nothing to raise"


def test_frozen_streams_keep_what_they_knew():
    one = of("all")
    kept = Beside(since=1, run=run_of(ALONE, hangs=True))
    one = replace(one, memory=replace(one.memory, beside=kept))
    assert after(run_of(SHARED), one=one, frozen=True)[1].run == kept.run


def test_the_rule_is_slack_times_laxer_than_the_streams_threshold():
    one = of("all")
    found = stands(run_of(SHARED), one, 1.0)
    level = np.exp(found.log_e_without) * SLACK
    assert stands(run_of(SHARED), replace(one, config=replace(one.config, threshold=level * 1.001)), 1.0) is None
    assert stands(run_of(SHARED), replace(one, config=replace(one.config, threshold=level * 0.999)), 1.0) is not None
    assert stands(run_of(SHARED), one, 30.0) is None, "bursts temper it, too"


LOSSY = ScoredTick(
    harm=(PairCounts(n10=6, n01=8, n00=86),),
    safe=(PairCounts(n10=14, n00=86),),
    complete=(PairCounts(n10=6, n00=86),),
    paired=92,
    missing_candidate=8,
)


def lossy(ticks):
    """What a stream of lossy ticks raises, as (tick, alarm), and what it remembers in the end."""
    one, told = of("all"), []
    for tick in range(ticks):
        [(state, alarm)] = fold_together([due(one, LOSSY)], tick)
        assert alarm is None, "lost legs hide it"
        raised, beside = beside_after(due(one, LOSSY), one, state, tick, LOSSY, None, None, frozen=False)
        one = replace(one, memory=replace(one.memory, state=state, beside=beside))
        told += [(tick, raised)] if raised else []
    return told, one.memory.beside


def test_complete_pairs_alone_advise_after_the_streams_own_alarm_was_waited_for():
    told, beside = lossy(40)
    assert len(told) >= 1
    tick, raised = told[0]
    assert raised.advice == (
        "It rests on complete pairs alone: 8 % of the requests lack a leg, taken as lost by chance. Nothing is moved"
    )
    assert raised.since.n01 == 0
    earlier, waiting = lossy(tick)
    assert earlier == []
    assert tick - waiting.waits == PATIENCE_TICKS
    assert Beside.from_json(beside.to_json()) == beside


def test_without_a_lost_leg_there_is_one_fold():
    assert after(None)[1].complete is None


@pytest.mark.parametrize("raised", [ALARM, replace(ALARM, advice="why")])
def test_a_full_alarm_ends_the_wait_of_complete_pairs(raised):
    one = of("all")
    state = replace(one.memory.state.plain(), last_tick=0)
    memory = replace(one.memory, state=Member.of(state), beside=Beside(since=0, complete=state, waits=8))
    onset = replace(LOSSY, complete=(PairCounts(n10=20),))
    _, beside = after(None, raised, one=replace(one, memory=memory), scored=onset, tick=9)
    assert beside.waits == (8 if raised.advice else None)
