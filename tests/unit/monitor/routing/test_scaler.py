"""Replicas are added, never taken away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import RoutingError
from monitor.routing.scaler import HookScaler, Scale, judge_scale, raise_to
from tests.support.webhook_router import SECRET, running_router, send, send_json

SETTINGS = {
    "url": "http://127.0.0.1:1/scale",
    "read_url": "http://127.0.0.1:1/scale",
    "name": "bf16",
    "secret_env": "FULLBACK_TARGET_TEST",
}


class Recorded:
    """A scaler that keeps what it is told."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self.orders: list[int] = []

    def get_scale(self) -> Scale:
        return self.scale

    def set_scale(self, replicas: int) -> None:
        self.orders.append(replicas)
        self.scale = Scale(replicas, self.scale.ready)


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 10_000))
def test_replicas_are_only_ever_added(wanted, ready, replicas):
    scaler = Recorded(Scale(wanted, ready))
    after = raise_to(scaler, replicas)
    assert after.wanted == max(wanted, replicas)
    assert scaler.orders == ([replicas] if replicas > wanted else [])
    raise_to(scaler, replicas)
    assert len(scaler.orders) <= 1, "asking again changes nothing"


@pytest.mark.parametrize("replicas", [0, -1, 10_001, True, 2.0, "3", None])
def test_a_number_that_cannot_be_is_refused(replicas):
    scaler = Recorded(Scale(1, 1))
    with pytest.raises(ValueError, match="replicas must be 1 to 10000"):
        raise_to(scaler, replicas)
    assert not scaler.orders


@pytest.mark.parametrize(
    ("scale", "ready", "reason"),
    [
        (Scale(4, 4), True, "4 replicas of the baseline wanted, 4 ready"),
        (Scale(1, 6), True, "4 replicas of the baseline wanted, 6 ready"),
        (Scale(4, 3), False, "4 replicas of the baseline wanted, 3 ready"),
        (Scale(2, 2), False, "4 replicas of the baseline wanted, 2 ready, and only 2 asked for: something scales it"),
    ],
)
def test_ready_is_what_can_take_requests(scale, ready, reason):
    verdict = judge_scale(scale, 4)
    assert verdict.ready is ready
    assert verdict.reason.startswith(reason)


@pytest.fixture
def router(monkeypatch):
    monkeypatch.setenv("FULLBACK_TARGET_TEST", SECRET)
    with running_router({}) as running:
        yield running


def scaler(router) -> HookScaler:
    return HookScaler(
        **{**SETTINGS, "url": f"{router.base}/scale", "read_url": f"{router.base}/scale", "timeout_s": 10}
    )


def test_a_receiver_scales(router):
    one = scaler(router)
    assert raise_to(one, 2) == Scale(2, 2)
    assert [method for method, *_ in router.seen] == ["GET"]
    assert raise_to(one, 5) == Scale(5, 2)
    _, _, headers, body = next(seen for seen in router.seen if seen[0] == "POST")
    assert b'"data":{"name":"bf16","replicas":5}' in body
    assert b'"type":"fullback.scale"' in body
    assert headers["webhook-id"] == headers["idempotency-key"]
    router.scale["ready"] = 5
    assert judge_scale(one.get_scale(), 5).ready
    assert raise_to(one, 3) == Scale(5, 5)


def test_the_same_number_later_is_no_repeat(router):
    for _ in range(2):
        scaler(router).set_scale(5)
    assert len({headers["webhook-id"] for _, _, headers, _ in router.seen}) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"wanted": 1}',
        b'{"wanted": -1, "ready": 0}',
        b'{"wanted": 1, "ready": NaN}',
        b'{"wanted": 1, "ready": 1e99}',
        b'{"wanted": 1, "ready": "1"}',
        b'{"wanted": 10001, "ready": 1}',
        b'{"a":' * 9999,
    ],
)
def test_an_answer_that_is_no_scale_is_an_error(router, body):
    router.on_get = lambda handler, _body: send(handler, 200, body)
    with pytest.raises(RoutingError, match="answered no scale") as caught:
        raise_to(scaler(router), 3)
    assert len(caught.value.detail) < 400
    assert [method for method, *_ in router.seen] == ["GET"]


def test_a_refusal_is_an_error(router):
    router.on_post = lambda handler, _body: send_json(handler, 409, {"detail": "quota"})
    with pytest.raises(RoutingError, match=r"/scale answered 409: .*quota"):
        raise_to(scaler(router), 3)
    router.on_get = lambda handler, _body: send(handler, 500, b"")
    with pytest.raises(RoutingError, match=r"/scale answered 500"):
        scaler(router).get_scale()


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("url", "nowhere", "url must be http"),
        ("read_url", None, "read_url must be given"),
        ("name", "", "name must be a text of 1 to 253 characters"),
        ("name", 5, "name must be a text"),
        ("secret_env", "HOME", "secret_env must be the name"),
        ("timeout_s", 0, "timeout_s must be seconds"),
    ],
)
def test_a_wrong_setting_is_told(setting, value, message):
    with pytest.raises(ValueError, match=message):
        HookScaler(**{**SETTINGS, setting: value})
