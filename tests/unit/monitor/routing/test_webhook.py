"""Settings of the webhook target, the identity of an order, and what a receiver's answer may be."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import RoutingError
from monitor.models.route import DesiredRoute
from monitor.routing.base import ReadBack
from monitor.routing.bounded_http import Answer
from monitor.routing.webhook import WebhookTarget, _identity
from monitor.routing.webhook_answers import conflicting_epoch, observed

URL = "https://receiver.example/route"
SETTINGS = {"url": URL, "route": "chat", "secret_env": "FULLBACK_TARGET_TEST"}

names = st.text("abcd-. ", min_size=1, max_size=8)
weights = st.dictionaries(names, st.integers(0, 1_000_000), min_size=1, max_size=5).filter(lambda w: any(w.values()))
mirrors = st.none() | names | st.dictionaries(names, names, max_size=3)
desires = st.builds(DesiredRoute, st.integers(0, 2**63 - 1), weights, mirrors, st.booleans())
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["weights", "mirror", "epoch", "pending", "backends", "x"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("url", "ftp://host", "url must be http"),
        ("url", "https://user:hunter2@host", "url must not carry credentials"),
        ("url", 5, "url must be an address"),
        ("read_url", "nowhere", "read_url must be http"),
        ("read_url", 5, "read_url must be an address"),
        ("route", "", r"route must be a text of 1 to 253 characters, got ''"),
        ("route", 5, "route must be a text"),
        ("route", "a" * 254, "route must be a text"),
        ("secret_env", None, "exactly one of secret_env and secret_file"),
        ("secret_env", "HOME", "secret_env must be the name"),
        ("secret_file", "/a", "exactly one of secret_env and secret_file"),
        ("read_token_env", "FULLBACK_TARGET_T", "read_token_env is given without read_url"),
        ("ca_file", "ca.pem", "ca_file must be an absolute path, got 'ca.pem'"),
        ("ca_file", 5, "ca_file must be"),
        ("timeout_s", 0, "timeout_s must be seconds over 0 and up to 60, got 0"),
        ("timeout_s", 61, "timeout_s must be"),
        ("timeout_s", float("nan"), "timeout_s must be"),
        ("timeout_s", "5", "timeout_s must be"),
        ("timeout_s", True, "timeout_s must be"),
        ("propagation_s", 601, "propagation_s must be seconds over 0 and up to 600, got 601"),
        ("fences", "yes", "fences must be true or false, got 'yes'"),
        ("hard_cut", 1, "hard_cut must be true or false"),
        ("dry_run", None, "dry_run must be true or false"),
        ("mirror", "base", "mirror must be true or false"),
        ("mirror_per_backend", [], "mirror_per_backend must be true or false"),
    ],
)
def test_a_wrong_setting_is_told(setting, value, message):
    with pytest.raises(ValueError, match=message) as caught:
        WebhookTarget(**{**SETTINGS, setting: value})
    assert "hunter2" not in str(caught.value)


def test_capabilities_are_what_the_settings_say():
    plain = WebhookTarget(**SETTINGS).capabilities
    assert (plain.fencing, plain.hard_cut, plain.dry_run, plain.mirror, plain.mirror_per_backend) == (
        *(False, False, False),
        *(True, False),
    )
    assert plain.read_back is ReadBack.NONE
    for setting, capability in (("fences", "fencing"), ("hard_cut", "hard_cut"), ("dry_run", "dry_run")):
        assert getattr(WebhookTarget(**SETTINGS, **{setting: True}).capabilities, capability)
    assert WebhookTarget(**SETTINGS, propagation_s=9).capabilities.propagation_s == 9
    assert WebhookTarget(**SETTINGS, read_url=URL).capabilities.read_back is ReadBack.CLAIM


@given(one=desires, other=desires)
def test_orders_have_one_id_if_and_only_if_they_ask_for_the_same(one, other):
    target = WebhookTarget(**SETTINGS, hard_cut=True)
    orders = [target._document(desired, dry_run=False) for desired in (one, other)]
    assert (_identity(orders[0]) == _identity(orders[1])) is (orders[0] == orders[1])
    turned = DesiredRoute(one.epoch, dict(reversed(one.weights.items())), one.mirror, one.cut)
    assert _identity(target._document(turned, dry_run=False)) == _identity(orders[0])
    assert _identity(target._document(one, dry_run=True)) != _identity(orders[0])


@given(desired=desires)
def test_a_receiver_that_did_it_is_read_as_having_done_it(desired):
    answer = Answer(200, json.dumps({**desired.to_json(), "unknown": 1}).encode())
    found = observed(answer, "it")
    assert found.snapshot.shows(desired)
    assert found.known >= desired.weights.keys()


@given(document=documents)
def test_any_answer_is_a_state_or_an_error(document):
    for answer in (Answer(200, json.dumps(document).encode()), Answer(200, json.dumps({"weights": document}).encode())):
        try:
            found = observed(answer, "it").snapshot
        except RoutingError as error:
            assert error.detail.startswith("it answered 200 without a valid state (")  # noqa: PT017 - both are right
            continue
        assert found.weights
        assert all(isinstance(weight, int) and 0 <= weight <= 1_000_000 for weight in found.weights.values())
        assert found.epoch is None or 0 <= found.epoch < 2**63
        assert conflicting_epoch(answer) == found.epoch


@given(body=st.binary(max_size=200))
def test_any_bytes_are_an_error(body):
    assert conflicting_epoch(Answer(409, body)) is None
    with pytest.raises(RoutingError, match="without a valid state"):
        observed(Answer(200, body), "it")


def test_the_receivers_words_are_bounded():
    state = {"epoch": 1, "weights": {"a": 1}, "mirror": None}
    for wrong in ({"pending": ["x" * 501]}, {"problems": ["x"] * 33}, {"backends": ["b"] * 257}, {"pending": "x"}):
        with pytest.raises(RoutingError, match="without a valid state"):
            observed(Answer(200, json.dumps({**state, **wrong}).encode()), "it")
