"""Settings of an Envoy target are checked where it is built, and nothing is connected to."""

import pytest

from monitor.errors import ValidationError
from monitor.models.route import TargetRef
from monitor.routing.base import ReadBack
from monitor.routing.registry import build

ENVOY = {"admin_url": "http://127.0.0.1:1", "route_file": "/nowhere/rds.yaml", "route_config": "llm", "route_name": "c"}
SECOND = "http://127.0.0.1:2"


def built(**changed):
    settings = {name: value for name, value in {**ENVOY, **changed}.items() if value != "absent"}
    return build(TargetRef("envoy", settings))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"admin_url": None}, "give admin_url for one Envoy or admin_urls for several"),
        ({"admin_urls": [SECOND]}, "exactly one of the two"),
        ({"admin_url": None, "admin_urls": []}, "admin_urls must be a list of 1 to 32 addresses, got 0"),
        ({"admin_url": None, "admin_urls": [SECOND] * 33}, "list of 1 to 32 addresses, got 33"),
        ({"admin_url": None, "admin_urls": SECOND}, "list of 1 to 32 addresses, got str"),
        ({"admin_url": None, "admin_urls": [SECOND, SECOND + "/"]}, "must name each Envoy once"),
        ({"admin_url": None, "admin_urls": [SECOND, 5]}, "admin_url must be a text such as .* got int"),
        ({"route_file": None}, r"give route_file \(RDS\) or runtime_file \(RTDS\), exactly one of the two"),
        ({"runtime_file": "/nowhere/rtds.yaml"}, "exactly one of the two"),
        ({"route_file": None, "runtime_file": "/nowhere/rtds.pb"}, r"runtime_file must be a path that ends in \.json"),
        ({"route_file": 5}, r"route_file must be a path that ends in \.json, \.yaml, \.yml, got 5"),
    ],
)
def test_a_wrong_value_is_told(changed, message):
    with pytest.raises(ValidationError, match=message):
        built(**changed)


@pytest.mark.parametrize("urls", [["http://user:hunter2@host:1"], "http://user:hunter2@host:1", [{"hunter2": 1}]])
def test_credentials_are_not_repeated(urls):
    with pytest.raises(ValidationError) as caught:
        built(admin_url=None, admin_urls=urls)
    assert "hunter2" not in caught.value.detail


def test_capabilities_follow_the_file():
    routes = built().capabilities
    runtime = built(route_file="absent", runtime_file="/nowhere/rtds.yaml").capabilities
    assert routes.hard_cut
    assert routes.mirror_per_backend
    assert not runtime.hard_cut
    assert not runtime.mirror_per_backend
    for capabilities in (routes, runtime):
        assert capabilities.read_back is ReadBack.PER_REPLICA
        assert capabilities.fencing
        assert capabilities.atomic_mirror
        assert not capabilities.names_writer
