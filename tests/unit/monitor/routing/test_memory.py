"""The target without a router."""

import uuid

import pytest

from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute
from monitor.routing.memory import MemoryTarget


@pytest.fixture
def name() -> str:
    return str(uuid.uuid4())


def test_targets_of_one_name_share_the_routing(name):
    MemoryTarget(name, {"base": 0, "cand": 100}, "base").apply(DesiredRoute(1, {"base": 100}, "cand"))
    snapshot = MemoryTarget(name).read()
    assert dict(snapshot.weights) == {"base": 100, "cand": 0}
    assert (snapshot.mirror, snapshot.epoch) == ("cand", 1)


def test_targets_of_other_names_do_not(name):
    MemoryTarget(name).apply(DesiredRoute(1, {"base": 100}, None))
    assert MemoryTarget(f"{name}-other").read().epoch is None


def test_constructing_does_not_fix_the_start(name):
    MemoryTarget(name)
    assert dict(MemoryTarget(name, {"base": 1}).read().weights) == {"base": 1}


def test_without_initial_weights_every_backend_is_known(name):
    MemoryTarget(name).apply(DesiredRoute(1, {"anything": 1}, "whatever"))
    assert MemoryTarget(name).read().mirror == "whatever"


def test_the_initial_mirror_is_known(name):
    MemoryTarget(name, {"cand": 1}, "base").apply(DesiredRoute(1, {"base": 1}, "cand"))


def test_errors_name_the_target_and_the_next_step(name):
    target = MemoryTarget(name, {"base": 1})
    with pytest.raises(RoutingError, match=r"no backend nowhere; known: base\. Correct"):
        target.apply(DesiredRoute(1, {"nowhere": 1}, None))
    target.apply(DesiredRoute(2, {"base": 1}, None))
    with pytest.raises(StaleEpochError, match=r"holds epoch 2, newer than 1: .* stop writing"):
        target.apply(DesiredRoute(1, {"base": 1}, None))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": ""}, "name must be a text that is not empty, got ''"),
        ({"name": 3}, "name must be a text"),
        ({"name": "a", "weights": {"base": -1}}, "weights must map backends to integers >= 0"),
        ({"name": "a", "weights": {"base": True}}, "weights must map"),
        ({"name": "a", "weights": [1]}, "weights must map"),
        ({"name": "a", "mirror": ""}, "mirror must be the name of a backend or absent, got ''"),
    ],
)
def test_wrong_settings_are_told(settings, message):
    with pytest.raises(ValueError, match=message):
        MemoryTarget(**settings)
