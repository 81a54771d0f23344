"""Every kind of route target keeps the same promises, against the real router where it has one.

Where a promise cannot hold for a kind, the test asks ``target.capabilities``, never the name.
"""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pytest

from monitor.controller.plan import AT_ONCE, desired_at
from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, Mirror, TargetRef
from monitor.routing.base import ReadBack, RouteTarget
from monitor.routing.registry import TARGETS, build
from tests.support.apiserver import running_cluster
from tests.support.envoy import Envoy, running_envoy, running_envoys, two_mirrors, wait_until
from tests.support.httproutes import http_route
from tests.support.litellm_proxy import running_litellm
from tests.support.webhook_router import documented_receiver

pytestmark = pytest.mark.timeout(1200)  # the first build of a real part may take minutes

START = {"base": 0, "cand": 100}
ON_BASELINE = {"base": 100, "cand": 0}
SPLIT = {"base": 50, "cand": 50}
BOTH_WAYS = {"base": "cand", "cand": "base"}


class Counting(Protocol):
    """A backend that counts what it gets."""

    primaries: int
    copies: int

    def reset(self) -> None: ...


class Traffic(Protocol):
    """Where requests can be sent."""

    backends: Mapping[str, Counting]

    def send(self, requests: int) -> dict[str, int]:
        """Send requests and return how many each backend answered."""
        ...


@dataclass(frozen=True)
class Harness:
    """A route whose candidate serves, mirrored to the baseline (where the kind mirrors at all)."""

    fresh: Callable[[], TargetRef]
    """Put the route back to its start and return a reference to it."""
    traffic: Traffic | None = None
    """Real traffic through the router, where there is one."""


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


@contextmanager
def webhook_harness(directory: Path) -> Iterator[Harness]:
    """The receiver that the documentation prints, as its own process."""
    with documented_receiver(directory) as fresh:
        yield Harness(lambda: fresh({"epoch": None, "weights": START, "mirror": "base"}))


@contextmanager
def httproute_harness(directory: Path) -> Iterator[Harness]:
    with running_cluster(directory) as cluster, cluster.gateway("chat"):

        def fresh() -> TargetRef:
            cluster.create(http_route("chat"))
            ref = cluster.ref("chat")
            wait_until(lambda: not build(ref).read().pending, "the gateway to follow")
            return ref

        yield Harness(fresh)


@contextmanager
def litellm_harness(directory: Path) -> Iterator[Harness]:
    with running_litellm(directory) as litellm:

        def fresh() -> TargetRef:
            litellm.reset()
            return litellm.ref()

        yield Harness(fresh)


@contextmanager
def envoy_runtime_harness(directory: Path) -> Iterator[Harness]:
    with running_envoy(directory) as envoy:

        def fresh() -> TargetRef:
            envoy.reset(two_mirrors())
            return envoy.runtime_ref()

        yield Harness(fresh, envoy)


class Spread:
    """Requests to several instances in turn."""

    def __init__(self, envoys: list[Envoy]) -> None:
        self.backends = envoys[0].backends
        self._envoys = envoys

    def send(self, requests: int) -> dict[str, int]:
        answered = dict.fromkeys(self.backends, 0)
        for at in range(requests):
            for name, count in self._envoys[at % len(self._envoys)].send(1).items():
                answered[name] += count
        return answered


@contextmanager
def two_envoys_harness(directory: Path) -> Iterator[Harness]:
    with running_envoys(directory, 2) as envoys:

        def fresh() -> TargetRef:
            for envoy in envoys:
                envoy.reset()
            ref = envoys[0].ref(admin_url=None, admin_urls=[envoy.admin_url for envoy in envoys])
            wait_until(lambda: not build(ref).read().pending, "both Envoys to have the last file")
            return ref

        yield Harness(fresh, Spread(envoys))


HARNESSES: dict[str, Callable[[Path], AbstractContextManager[Harness]]] = {
    "envoy": envoy_harness,
    "envoy/runtime-file": envoy_runtime_harness,
    "envoy/two-instances": two_envoys_harness,
    "httproute": httproute_harness,
    "litellm": litellm_harness,
    "memory": memory_harness,
    "webhook": webhook_harness,
}
"""By kind, with ``/`` and what sets it apart for a kind that is run in several ways."""


@pytest.fixture(scope="module", params=sorted(HARNESSES))
def harness(request, tmp_path_factory) -> Iterator[Harness]:
    with HARNESSES[request.param](tmp_path_factory.mktemp(request.param.replace("/", "-"))) as found:
        yield found


@pytest.fixture
def ref(harness) -> TargetRef:
    return harness.fresh()


@pytest.fixture
def target(ref) -> RouteTarget:
    return build(ref)


def settled(target: RouteTarget, desired: DesiredRoute) -> None:
    wait_until(lambda: target.read().shows(desired), f"{desired} to be in force")


def mirrored(target: RouteTarget, mirror: Mirror) -> Mirror:
    return mirror if target.capabilities.mirror else None


def split(target: RouteTarget) -> dict[str, int]:
    return SPLIT if target.capabilities.weights else ON_BASELINE


def followed(harness: Harness, expected: str) -> None:
    """Wait until new requests are answered by one backend, then count from zero."""
    wait_until(lambda: harness.traffic.send(10)[expected] == 10, "the data plane to follow")
    counted_from_zero(harness)


def counted_from_zero(harness: Harness) -> None:
    """Copies are sent without waiting: let those under way arrive before the counts are cleared."""
    backends = harness.traffic.backends.values()
    counts: list[int] = []
    for _ in range(20):
        counts.append(sum(backend.copies for backend in backends))
        if counts[-3:] == [counts[-1]] * 3:
            break
        threading.Event().wait(0.05)
    for backend in backends:
        backend.reset()


def test_read_shows_the_start(target):
    snapshot = target.read()
    assert {name: weight for name, weight in snapshot.weights.items() if weight} == {"cand": 100}
    assert snapshot.mirror == mirrored(target, "base")
    assert (snapshot.epoch, dict(snapshot.overrides), snapshot.pending) == (None, {}, ())


def test_read_back_shows_what_was_applied(target):
    assert target.capabilities.read_back is not ReadBack.NONE
    weights = {"base": 70, "cand": 30} if target.capabilities.weights else START
    desired = DesiredRoute(3, weights, mirrored(target, "cand"))
    target.apply(desired)
    settled(target, desired)
    assert target.read().says(desired)


def test_large_epochs_keep_every_digit(target):
    desired = DesiredRoute(1_234_567_891, ON_BASELINE, mirrored(target, "cand"))
    target.apply(desired)
    settled(target, desired)
    assert target.read().epoch == 1_234_567_891


def test_apply_is_idempotent(target):
    desired = DesiredRoute(3, ON_BASELINE, mirrored(target, "cand"))
    for _ in range(3):
        target.apply(desired)
    settled(target, desired)


def test_backends_not_desired_get_no_traffic(target):
    desired = DesiredRoute(1, {"base": 1}, None)
    target.apply(desired)
    settled(target, desired)
    assert not target.read().weights.get("cand")


def test_all_weights_zero_cannot_be_desired():
    with pytest.raises(ValueError, match="must not all be zero"):
        DesiredRoute(1, {"base": 0, "cand": 0}, None)


def test_an_older_writer_is_refused_or_seen(target, ref):
    newer = DesiredRoute(8, ON_BASELINE, mirrored(target, "cand"))
    older = DesiredRoute(7, START, mirrored(target, "base"))
    target.apply(newer)
    settled(target, newer)
    if target.capabilities.fencing:
        with pytest.raises(StaleEpochError, match=r"8, newer than 7"):
            build(ref).apply(older)
        settled(target, newer)
        return
    try:
        build(ref).apply(older)
    except StaleEpochError:
        settled(target, newer)
    else:
        settled(target, older)


def test_the_mirror_moves_with_the_weights(target, harness):
    desired = DesiredRoute(1, ON_BASELINE, mirrored(target, "cand"))
    target.apply(desired)
    settled(target, desired)
    if harness.traffic is None:
        return
    followed(harness, "base")
    base, cand = harness.traffic.backends["base"], harness.traffic.backends["cand"]
    answered = harness.traffic.send(50)
    assert answered == {"base": 50, "cand": 0}
    if target.capabilities.mirror:
        wait_until(lambda: cand.copies >= 50, "50 copies at the candidate")
    assert (base.primaries, base.copies, cand.primaries) == (50, 0, 0)


def test_copies_by_who_serves(target, harness):
    desired = DesiredRoute(1, split(target), BOTH_WAYS)
    if not target.capabilities.mirror_per_backend:
        before = target.read()
        with pytest.raises(RoutingError):
            target.apply(desired)
        assert target.read() == before
        return
    target.apply(desired)
    settled(target, desired)
    if harness.traffic is None:
        return
    wait_until(lambda: all(harness.traffic.send(10).values()), "the data plane to follow")
    counted_from_zero(harness)
    base, cand = harness.traffic.backends["base"], harness.traffic.backends["cand"]
    answered = harness.traffic.send(100)
    wait_until(lambda: base.copies + cand.copies >= 100, "100 copies")
    assert answered["base"] > 0
    assert answered["cand"] > 0
    assert {"base": base.primaries, "cand": cand.primaries} == answered
    assert {"base": cand.copies, "cand": base.copies} == answered


def test_a_hard_cut_and_back(target, harness):
    cut = DesiredRoute(1, ON_BASELINE, mirrored(target, "cand"), cut=True)
    for _ in range(2):
        target.apply(cut)
        settled(target, cut)
    if target.capabilities.hard_cut:
        assert {name for name, weight in target.read().weights.items() if weight} == {"base"}
    if harness.traffic is not None:
        followed(harness, "base")
        assert harness.traffic.send(20) == {"base": 20, "cand": 0}
    back = DesiredRoute(2, START, mirrored(target, "base"))
    target.apply(back)
    settled(target, back)
    if harness.traffic is not None:
        followed(harness, "cand")


def test_swap_back(target):
    start = target.read()
    away = DesiredRoute(1, ON_BASELINE, mirrored(target, "cand"))
    target.apply(away)
    settled(target, away)
    back = DesiredRoute(2, dict(start.weights), start.mirror)
    target.apply(back)
    settled(target, back)


def test_mirror_off_and_on(target):
    for epoch, mirror in enumerate(("cand", None, "base", None, "base"), start=1):
        desired = DesiredRoute(epoch, split(target), mirrored(target, mirror))
        target.apply(desired)
        settled(target, desired)


@pytest.mark.parametrize(("weights", "mirror"), [({"base": 0, "nowhere": 100}, None), (ON_BASELINE, "nowhere")])
def test_unknown_backend_is_refused(target, weights, mirror):
    desired = DesiredRoute(1, weights, mirror)
    before = target.read()
    with pytest.raises(RoutingError, match=r"nowhere; known: base, cand"):
        target.apply(desired)
    rehearsal = target.rehearse(desired)
    assert not rehearsal.ok
    assert "nowhere" in " ".join(rehearsal.problems)
    assert target.read() == before


@pytest.mark.parametrize("cut", [False, True])
def test_a_weight_of_0_asks_for_nothing(target, cut):
    """A candidate that is registered and not deployed here holds no rollback up; the rehearsal tells of it."""
    flipped = {**ON_BASELINE, "nowhere": 0}
    rehearsal = target.rehearse(DesiredRoute(1, flipped, mirrored(target, "cand")))
    assert rehearsal.ok, rehearsal.problems
    assert "backend nowhere is not there: it gets neither traffic nor copies here" in rehearsal.changes
    for epoch, mirror in enumerate(("cand", "cand", None), start=1):
        desired = DesiredRoute(epoch, flipped, mirrored(target, mirror), cut=cut)
        target.apply(desired)
        settled(target, desired)
    assert "nowhere" not in target.read().weights
    back = DesiredRoute(9, {**START, "nowhere": 0}, mirrored(target, "base"))
    target.apply(back)
    settled(target, back)


@pytest.mark.parametrize("cut", [False, True])
def test_a_flip_goes_without_copies_to_a_backend_that_is_not_there(target, cut):
    """What a router shows tells which backends it has, also after a hard cut."""
    for epoch, (harmful, copied) in enumerate([("cand", "cand"), ("nowhere", None)], start=1):
        end = DesiredRoute(epoch, {**ON_BASELINE, "nowhere": 0}, harmful, cut=cut)
        desired = desired_at(target.read(), end, AT_ONCE[0], epoch, target.capabilities)
        assert desired.mirror == mirrored(target, copied)
        target.apply(desired)
        settled(target, desired)


def test_a_rehearsal_tells_the_changes_and_makes_none(target):
    desired = DesiredRoute(4, ON_BASELINE, mirrored(target, "cand"))
    before = target.read()
    rehearsal = target.rehearse(desired)
    assert rehearsal.ok, rehearsal.problems
    assert {"weight of base: 0 -> 100", "weight of cand: 100 -> 0"} <= set(rehearsal.changes)
    assert ("mirror: base -> cand" in rehearsal.changes) == target.capabilities.mirror
    assert target.read() == before
    target.apply(desired)
    settled(target, desired)
    assert target.rehearse(desired).changes == ()


def test_a_rehearsal_tells_of_a_newer_epoch(target):
    newer = DesiredRoute(8, ON_BASELINE, mirrored(target, "cand"))
    target.apply(newer)
    settled(target, newer)
    rehearsal = target.rehearse(DesiredRoute(7, START, mirrored(target, "base")))
    assert not rehearsal.ok or not target.capabilities.fencing
    settled(target, newer)


def test_a_target_speaks_the_variants_names(ref):
    renamed = build(replace(ref, backends={"full": "base", "int4": "cand"}))
    assert {name for name, weight in renamed.read().weights.items() if weight} == {"int4"}
    desired = DesiredRoute(1, {"full": 100, "int4": 0}, mirrored(renamed, "int4"))
    assert renamed.rehearse(desired).ok
    renamed.apply(desired)
    settled(renamed, desired)
    assert build(ref).read().says(DesiredRoute(1, ON_BASELINE, mirrored(renamed, "cand")))


def test_of_two_racing_writers_the_higher_epoch_stays(target, ref):
    if not target.capabilities.fencing:
        return
    for low in range(1, 41, 2):
        pair = [
            DesiredRoute(low, split(target), mirrored(target, "base")),
            DesiredRoute(low + 1, ON_BASELINE, mirrored(target, "cand")),
        ]
        refused = race(ref, pair)
        assert refused in ([], [low]), "only the older writer may be refused"
        if not target.capabilities.fencing:
            target.apply(pair[1])  # the controller compares and writes again; an older writer is refused from then on
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


TABLE = {
    "atomic_mirror": "mirror in the same write",
    "fencing": "older epochs refused",
    "hard_cut": "hard cut",
    "mirror_per_backend": "copies by who serves",
}


def test_the_docs_tell_what_each_kind_can_do(target, ref):
    lines = (Path(__file__).parents[2] / "docs" / "routers.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    heading = next(row for row in rows if row[0] == "kind")
    named = [row for row in rows if row[0].startswith(f"`{ref.kind}`")]
    of_setting = [row for row in named if " with " in row[0] and row[0].split("`")[-2] in ref.settings]
    for row in of_setting or named:
        told = dict(zip(heading, row, strict=True))
        for capability, column in TABLE.items():
            if told[column] in {"yes", "no"}:
                assert (told[column] == "yes") == getattr(target.capabilities, capability), (row[0], column)
        if told["rehearsal"] in {"by the router", "from outside"}:
            assert (told["rehearsal"] == "by the router") == target.capabilities.dry_run


def test_every_kind_has_a_harness():
    assert {label.partition("/")[0] for label in HARNESSES} == TARGETS.keys()
