"""No child process outlives its owner."""

import signal
import sys
from pathlib import Path

import pytest

from monitor.clock import SystemClock
from monitor.demo import processes
from monitor.demo.processes import Children

WITH_GRANDCHILD = (
    "import subprocess, sys, signal; "
    "print(subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']).pid, flush=True); "
    "signal.pause()"
)
STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"


@pytest.fixture
def children(tmp_path):
    started = Children(tmp_path, SystemClock())
    yield started
    started.end_all()


def printed(child):
    for _ in range(100):
        if child.complaint():
            return child.complaint()
        SystemClock().wait(0.05)
    raise TimeoutError


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_gone(pid):
    for _ in range(100):
        if not running(pid):
            return True
        SystemClock().wait(0.05)
    return False


def test_a_childs_children_end_with_it(children):
    child = children.start("parent", [sys.executable, "-c", WITH_GRANDCHILD])
    grandchild = int(printed(child))
    assert running(grandchild)
    children.end_all()
    assert not child.alive
    assert wait_gone(grandchild)


def test_one_that_does_not_listen_is_killed(children, monkeypatch):
    monkeypatch.setattr(processes, "_PATIENCE_S", 0.3)
    child = children.start("deaf", [sys.executable, "-c", STUBBORN])
    assert printed(child) == "deaf"
    children.end(child)
    assert not child.alive


def test_one_that_died_is_noticed_with_its_last_words(children):
    child = children.start("short", [sys.executable, "-c", "raise SystemExit('out of memory')"])
    assert child.wait_end(10)
    assert children.ended() == [child]
    assert children.complaints() == {"short": "out of memory"}


def test_the_environment_is_added_to(children):
    code = "import os; print(os.environ['ADDED'], 'PATH' in os.environ)"
    child = children.start("env", [sys.executable, "-c", code], {"ADDED": "yes"})
    assert printed(child) == "yes True"


def test_a_group_can_be_killed_at_once(children):
    child = children.start("victim", [sys.executable, "-c", STUBBORN])
    printed(child)
    child.send(signal.SIGKILL)
    assert child.wait_end(5)
