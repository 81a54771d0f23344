"""Every kind of route target keeps the same promises, against the real router where it has one."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, TargetRef
from monitor.routing.base import RouteTarget
from monitor.routing.registry import TARGETS, build
from tests.support.envoy import Envoy, running_envoy, wait_until

START = {"base": 0, "cand": 100}
ON_BASELINE = {"base": 100, "cand": 0}


@dataclass(frozen=True)
class Harness:
    """A route whose candidate serves, mirrored to the baseline."""

    fresh: Callable[[], TargetRef]
    """Put the route back to its start and return a reference to it."""
    envoy: Envoy | None = None
    """Where traffic can be sent."""


@contextmanager
def memory_harness(_directory: Path) -> Iterator[Harness]:
    yield Harness(lambda: TargetRef("memory", {"name": str(uuid.uuid4()), "weights": START, "mirror": "base"}))


@contextmanager
def envoy_harness(directory: Path) -> Iterator[Harness]:
    with running_envoy(directory) as envoy:

        def fresh() -> TargetRef:
            envoy.reset()
            return envoy.ref()

        yield Harness(fresh, envoy)


HARNESSES: dict[str, Callable[[Path], AbstractContextManager[Harness]]] = {
    "envoy": envoy_harness,
    "memory": memory_harness,
}


@pytest.fixture(scope="module", params=sorted(TARGETS))
def harness(request, tmp_path_factory) -> Iterator[Harness]:
    assert request.param in HARNESSES, f"add a harness for route target {request.param!r}"
    with HARNESSES[request.param](tmp_path_factory.mktemp(request.param)) as found:
        yield found


@pytest.fixture
def ref(harness) -> TargetRef:
    return harness.fresh()


@pytest.fixture
def target(ref) -> RouteTarget:
    return build(ref)


def settled(target: RouteTarget, desired: DesiredRoute) -> None:
    wait_until(lambda: target.read().shows(desired), f"{desired} to be in force")


def test_read_shows_the_start(target):
    snapshot = target.read()
    assert dict(snapshot.weights) == START
    assert (snapshot.mirror, snapshot.epoch, dict(snapshot.overrides)) == ("base", None, {})


def test_read_back_shows_what_was_applied(target):
    desired = DesiredRoute(3, {"base": 70, "cand": 30}, "cand")
    target.apply(desired)
    settled(target, desired)
    assert dict(target.read().weights) == {"base": 70, "cand": 30}


def test_apply_is_idempotent(target):
    desired = DesiredRoute(3, ON_BASELINE, "cand")
    for _ in range(3):
        target.apply(desired)
    settled(target, desired)


def test_backends_not_desired_get_no_traffic(target):
    desired = DesiredRoute(1, {"base": 1}, None)
    target.apply(desired)
    settled(target, desired)
    assert dict(target.read().weights) == {"base": 1, "cand": 0}


def test_epoch_check_refuses_an_older_writer(target, ref):
    newer = DesiredRoute(8, ON_BASELINE, "cand")
    target.apply(newer)
    with pytest.raises(StaleEpochError, match=r"holds epoch 8, newer than 7"):
        build(ref).apply(DesiredRoute(7, START, "base"))
    settled(target, newer)


def test_mirror_moves_in_the_same_write(target, harness):
    assert target.capabilities.atomic_mirror
    desired = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(desired)
    settled(target, desired)
    if harness.envoy is None:
        return
    base, cand = harness.envoy.backends["base"], harness.envoy.backends["cand"]
    wait_until(lambda: harness.envoy.send(1)["base"] == 1, "the data plane to follow")
    wait_until(lambda: cand.copies > 0, "the first copy")
    base.reset()
    cand.reset()
    answered = harness.envoy.send(50)
    wait_until(lambda: cand.copies >= 50, "50 copies at the candidate")
    assert answered == {"base": 50, "cand": 0}
    assert (base.primaries, base.copies, cand.primaries) == (50, 0, 0)


def test_swap_back(target):
    start = target.read()
    away = DesiredRoute(1, ON_BASELINE, "cand")
    target.apply(away)
    settled(target, away)
    back = DesiredRoute(2, dict(start.weights), start.mirror)
    target.apply(back)
    settled(target, back)


def test_mirror_off_and_on(target):
    for epoch, mirror in enumerate(("cand", None, "base", None, "base"), start=1):
        desired = DesiredRoute(epoch, {"base": 50, "cand": 50}, mirror)
        target.apply(desired)
        settled(target, desired)


@pytest.mark.parametrize(("weights", "mirror"), [({"base": 0, "nowhere": 100}, None), (ON_BASELINE, "nowhere")])
def test_unknown_backend_is_refused(target, weights, mirror):
    before = target.read()
    with pytest.raises(RoutingError, match=r"nowhere; known: base, cand\."):
        target.apply(DesiredRoute(1, weights, mirror))
    assert target.read() == before


def test_of_two_racing_writers_the_higher_epoch_stays(target, ref):
    older = {"base": 50, "cand": 50}
    for low in range(1, 41, 2):
        pair = [DesiredRoute(low, older, "base"), DesiredRoute(low + 1, ON_BASELINE, "cand")]
        refused = race(ref, pair)
        assert refused in ([], [low]), "only the older writer may be refused"
        settled(target, pair[1])


def race(ref: TargetRef, desired: list[DesiredRoute]) -> list[int]:
    """Apply all at the same moment and return the epochs that were refused."""
    barrier = threading.Barrier(len(desired))
    refused: list[int] = []
    failed: list[Exception] = []

    def write(one: DesiredRoute) -> None:
        writer = build(ref)
        barrier.wait(10)
        try:
            writer.apply(one)
        except StaleEpochError:
            refused.append(one.epoch)
        except Exception as error:  # noqa: BLE001 - shown by the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=write, args=(one,)) for one in desired]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not failed, failed
    return refused


def test_every_kind_has_a_harness():
    assert HARNESSES.keys() == TARGETS.keys()
