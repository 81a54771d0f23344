from dataclasses import replace

import pytest

from detectors.types import SignalKind, Verdict
from monitor.models.evidence import Evidence
from monitor.services.policies import parse_policy
from monitor.services.ticks import horizon_from
from monitor.services.verdicts import StreamFacts, judge, share_text

EVIDENCE = Evidence(pairs=500, candidate_rate=0.08, baseline_rate=0.01, one_sided_share=0.03, smallest_detectable=0.02)
ARMS = Evidence(pairs=300, candidate_rate=0.08, baseline_rate=0.01, baseline_n=40)


def judged(evidence=EVIDENCE, **facts):
    usual = {
        "title": "Schema failures",
        "kind": SignalKind.BIT,
        "evidence": evidence,
        "harm_latched": False,
        "safe": False,
        "guard_tripped": False,
        "differs_from_itself": False,
        "idle_ticks": 0,
        "frozen_in": None,
        "baseline_away_ticks": 0,
        "learning": False,
    }
    return judge(StreamFacts(**{**usual, **facts}))


@pytest.mark.parametrize(
    ("facts", "verdict", "reason"),
    [
        ({}, Verdict.UNDECIDED, "no harm found in 500 pairs; 2 % or more would have been seen"),
        ({"harm_latched": True}, Verdict.HARM, "candidate 8 %, baseline 1 % of requests (500 pairs since onset)"),
        ({"harm_latched": True, "advice": "Compare them"}, Verdict.INCONCLUSIVE, "candidate 8 %"),
        ({"harm_latched": True, "advice": "Compare them"}, Verdict.INCONCLUSIVE, "since onset). Compare them"),
        ({"safe": True, "unlike": True}, Verdict.INCONCLUSIVE, "load per replica"),
        ({"unlike": True, "learning": True}, Verdict.INCONCLUSIVE, "not compared now"),
        ({"safe": True}, Verdict.SAFE, "within the margin"),
        ({"safe": True, "guard_tripped": True}, Verdict.INCONCLUSIVE, "broken pairing: 3 % of requests"),
        ({"safe": True, "differs_from_itself": True}, Verdict.INCONCLUSIVE, "differs from its own mirror"),
        ({"safe": True, "idle_ticks": 31}, Verdict.INCONCLUSIVE, "no data"),
        ({"evidence": Evidence(pairs=99)}, Verdict.INCONCLUSIVE, "thin data: 99 pairs, 100 are needed"),
        ({"evidence": Evidence(pairs=100)}, Verdict.UNDECIDED, "nothing could have been seen yet"),
        ({"harm_latched": True, "guard_tripped": True}, Verdict.HARM, "candidate 8 %"),
        ({"evidence": ARMS}, Verdict.UNDECIDED, "no harm found in 300 candidate and 40 baseline sessions"),
        ({"evidence": ARMS, "harm_latched": True}, Verdict.HARM, "baseline 1 % of sessions (300 candidate and 40"),
        ({"evidence": ARMS, "baseline_away_ticks": 361}, Verdict.INCONCLUSIVE, "keep a holdback of 2 to 5 %"),
        ({"evidence": replace(ARMS, baseline_n=0)}, Verdict.INCONCLUSIVE, "keep a holdback of 2 to 5 %"),
        ({"evidence": replace(ARMS, baseline_n=19)}, Verdict.INCONCLUSIVE, "thin data: 300 candidate and 19 baseline"),
        ({"evidence": replace(ARMS, pairs=0), "idle_ticks": 31}, Verdict.INCONCLUSIVE, "the candidate answers none"),
        ({"evidence": ARMS, "idle_ticks": 361}, Verdict.INCONCLUSIVE, "no session became mature in the last 361"),
        ({"evidence": ARMS, "safe": True}, Verdict.SAFE, "300 candidate and 40 baseline sessions"),
    ],
)
def test_a_verdict_comes_with_its_reason(facts, verdict, reason):
    found, told = judged(**facts)
    assert found is verdict
    assert reason in told


@pytest.mark.parametrize(("share", "text"), [(None, "unknown"), (0.0123, "1.2 %"), (0.25, "25.0 %"), (0.0, "0 %")])
def test_a_share_reads_as_people_read_it(share, text):
    assert share_text(share) == text


@pytest.mark.parametrize(("lag_s", "horizon_s"), [(None, 60), (0.0, 5), (10.0, 16.0), (1_000.0, 60)])
def test_the_horizon_lies_between_floor_and_ceiling(lag_s, horizon_s):
    policy = parse_policy("p", 1, {"horizon_floor_s": 5, "horizon_ceiling_s": 60})
    assert horizon_from(lag_s, policy) == horizon_s
