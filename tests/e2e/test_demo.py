"""The demo is the acceptance test: real Envoy, real PostgreSQL, real servers, traffic and shippers."""

import json
import subprocess
import sys

import pytest

LIMIT_S = 280


def run_demo(fault, seed=1):
    command = [sys.executable, "-m", "monitor", "demo", "--headless", "--json", "--fault", fault, "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    lines = done.stdout.strip().splitlines()
    assert lines, done.stderr[-2000:]
    return done.returncode, json.loads(lines[-1]), done.stderr


@pytest.mark.e2e
@pytest.mark.timeout(LIMIT_S + 20)
@pytest.mark.parametrize("fault", ["schema", "dead"])
def test_a_fault_ends_in_a_rollback_that_traffic_proves(fault):
    code, result, progress = run_demo(fault)
    assert code == 0, progress[-3000:]
    assert result["fault"] == fault
    assert result["flipped"]
    assert result["verified_by_traffic"]
    seconds = result["seconds"]
    assert seconds["fault_to_alarm"] <= seconds["fault_to_flip_applied"] <= seconds["fault_to_verified"]
    assert result["counts"]["post_flip_primary_candidate"] == 0
    assert result["counts"]["post_flip_primary_baseline"] >= 300
    assert result["effect"]["low"] > 0
    assert result["slack_messages"] == 2, "one when it starts, one when traffic proves it"


@pytest.mark.e2e
@pytest.mark.timeout(LIMIT_S + 20)
def test_healthy_twins_are_left_alone():
    code, result, progress = run_demo("none")
    assert code == 0, progress[-3000:]
    assert not result["flipped"]
    assert result["incidents"] == 0
    assert result["slack_messages"] == 0
    assert result["counts"]["pairs"] > 1000
