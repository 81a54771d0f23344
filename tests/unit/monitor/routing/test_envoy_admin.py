"""Answers of an admin interface that is not what it should be."""

import httpx
import pytest

from monitor.clock import SystemClock
from monitor.errors import RoutingError
from monitor.routing.envoy_admin import EnvoyAdmin, Runtime


def admin(answer: httpx.Response) -> EnvoyAdmin:
    client = EnvoyAdmin("http://envoy:9901/", 1, SystemClock())
    client._client = httpx.Client(base_url="http://envoy:9901", transport=httpx.MockTransport(lambda _request: answer))
    return client


@pytest.mark.parametrize("question", ["route_configs", "runtime", "clusters"])
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(404, text="nope " * 100), r"http://envoy:9901/\w+ answered 404: 'nope"),
        (httpx.Response(200, text="<html>"), r"answered no JSON object: check that admin_url"),
        (httpx.Response(200, text="[]"), r"answered no JSON object"),
    ],
)
def test_a_strange_answer_is_told(question, answer, message):
    with pytest.raises(RoutingError, match=message) as caught:
        getattr(admin(answer), question)()
    assert len(caught.value.detail) < 400


@pytest.mark.parametrize("body", ["{}", '{"configs": null, "entries": [], "cluster_statuses": [1]}'])
def test_an_empty_answer_is_empty(body):
    client = admin(httpx.Response(200, text=body))
    assert client.route_configs() == []
    assert client.runtime() == Runtime()
    assert client.clusters() == set()


def test_without_an_admin_layer_there_is_nothing_to_clear():
    admin(httpx.Response(503, text="No admin layer specified")).clear_runtime(["a"])
    with pytest.raises(RoutingError, match="answered 503: 'busy'"):
        admin(httpx.Response(503, text="busy")).clear_runtime(["a"])
