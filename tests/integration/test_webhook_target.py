"""The webhook target against a receiver over real connections, well-behaved and not."""

import json
import shutil
import ssl
import subprocess
import threading
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

import httpx
import pytest

from monitor.clock import SystemClock
from monitor.errors import RoutingError, StaleEpochError
from monitor.models.route import DesiredRoute, TargetRef
from monitor.routing.base import ReadBack
from monitor.routing.registry import build
from monitor.routing.webhook import WebhookTarget
from monitor.routing.webhook_signing import signed_headers
from tests.support.bad_servers import HANGS, STRANGE
from tests.support.webhook_router import (
    OTHER_SECRET,
    SECRET,
    TOKEN,
    documented_receiver,
    running_router,
    send,
    send_json,
)

START = {"epoch": None, "weights": {"base": 0, "cand": 100}, "mirror": "base"}
FLIP = DesiredRoute(7, {"base": 100, "cand": 0}, "cand")
ENV = "FULLBACK_TARGET_TEST"
TOKEN_ENV = "FULLBACK_TARGET_TOKEN"
STATUSES = {
    302: "redirects are not followed: put the final address into",
    400: "the receiver refused the order",
    401: "the same secret",
    404: "check ",
    422: "the receiver refused the order",
    429: "may be tried again",
    500: "look into the receiver's log",
    503: "may be tried again",
}
BODIES = [
    b"",
    b"done",
    b"[]",
    b"null",
    b"\xff\xfe",
    b'{"epoch": 7}',
    b'{"weights": {"base": 100}, "mirror": null}',
    b'{"epoch": 7, "weights": {"base": 100}}',
    b'{"epoch": 7, "weights": {}, "mirror": null}',
    b'{"epoch": 7, "weights": {"base": -1}, "mirror": null}',
    b'{"epoch": 7, "weights": {"base": NaN}, "mirror": null}',
    b'{"epoch": 7, "weights": {"base": 1e999}, "mirror": null}',
    b'{"epoch": 7, "weights": {"base": 1000001}, "mirror": null}',
    b'{"epoch": 7, "weights": {"base": 99.5}, "mirror": null}',
    b'{"epoch": 7, "weights": {"base": true}, "mirror": null}',
    b'{"epoch": 7, "weights": {"base": "100"}, "mirror": null}',
    b'{"epoch": 7, "weights": {"a\\u0000": 1}, "mirror": null}',
    b'{"epoch": 7, "weights": {"": 1}, "mirror": null}',
    b'{"epoch": 7, "weights": {"base": 1}, "mirror": 5}',
    b'{"epoch": -1, "weights": {"base": 1}, "mirror": null}',
    b'{"epoch": 9223372036854775808, "weights": {"base": 1}, "mirror": null}',
    b'{"epoch": 7.5, "weights": {"base": 1}, "mirror": null}',
    b'{"x":' * 12000,
]


@pytest.fixture(autouse=True)
def secrets(monkeypatch):
    monkeypatch.setenv(ENV, SECRET)
    monkeypatch.setenv(TOKEN_ENV, TOKEN)


@pytest.fixture
def router():
    with running_router(START) as running:
        yield running


def target(router, **more) -> WebhookTarget:
    settings = {"read_url": f"{router.base}/route?name=chat", "secret_env": ENV, "timeout_s": 10, **more}
    return WebhookTarget(f"{router.base}/route", "chat", **settings)


def posts(router):
    return [(headers, json.loads(body)) for method, _, headers, body in router.seen if method == "POST"]


def test_the_order_says_everything_and_a_repeat_is_known_for_one(router):
    for _ in range(2):
        target(router).apply(FLIP)
    (headers, order), (again, repeated) = posts(router)
    assert order["type"] == "fullback.route.apply"
    assert order["timestamp"].endswith("Z")
    assert (
        order["data"]
        == repeated["data"]
        == {
            "route": "chat",
            "epoch": 7,
            "weights": {"base": 100, "cand": 0},
            "mirror": "cand",
            "cut": False,
            "dry_run": False,
        }
    )
    assert headers["webhook-id"] == headers["idempotency-key"] == again["webhook-id"] == again["idempotency-key"]
    assert headers["content-type"] == "application/json"
    target(router).apply(DesiredRoute(8, FLIP.weights, FLIP.mirror))
    target(router, dry_run=True).rehearse(DesiredRoute(8, FLIP.weights, FLIP.mirror))
    assert len({one["webhook-id"] for one, _ in posts(router)}) == 3, (
        "neither another epoch nor a rehearsal is a repeat"
    )


def test_every_secret_signs_and_one_that_is_known_suffices(router, monkeypatch):
    monkeypatch.setenv(ENV, f"{OTHER_SECRET} {SECRET}")
    target(router).apply(FLIP)
    assert len(posts(router)[0][0]["webhook-signature"].split()) == 2
    monkeypatch.setenv(ENV, OTHER_SECRET)
    with pytest.raises(RoutingError, match=r"answered 401: .*check that both sides have the same secret") as caught:
        target(router).apply(DesiredRoute(8, {"cand": 1}, None))
    assert OTHER_SECRET not in str(caught.value)
    assert router.state["epoch"] == 7


def test_a_secret_file_is_read_for_each_request(router, tmp_path):
    file = tmp_path / "secret"
    file.write_text(OTHER_SECRET)
    one = target(router, secret_env=None, secret_file=str(file))
    with pytest.raises(RoutingError, match="answered 401"):
        one.read()
    file.write_text(f"{SECRET}\n{OTHER_SECRET}\n")
    assert one.read().weights == START["weights"]


def test_only_reading_sends_the_token_and_no_message_shows_it(router):
    router.token = TOKEN
    reading = target(router, read_token_env=TOKEN_ENV)
    reading.apply(FLIP)
    for method, _, headers, _ in router.seen:
        assert headers.get("authorization") == (f"Bearer {TOKEN}" if method == "GET" else None)
    router.on_get = lambda handler, _body: send(handler, 403, f"no such token: {TOKEN}".encode())
    with pytest.raises(RoutingError, match="no such token: <secret>") as caught:
        reading.read()
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("status", STATUSES)
def test_a_refusal_is_told_with_the_next_step(router, status):
    location = {"location": f"{router.base}/elsewhere"}
    router.on_post = router.on_get = lambda handler, _body: send(handler, status, b"no " * 1000, **location)
    with pytest.raises(RoutingError, match=rf"/route answered {status}: 'no .*{STATUSES[status]}") as caught:
        target(router).apply(FLIP)
    assert not isinstance(caught.value, StaleEpochError)
    assert len(caught.value.detail) < 500
    with pytest.raises(RoutingError, match=rf"/route answered {status}") as caught:
        target(router).read()
    assert "?name" not in caught.value.detail
    assert not [path for _, path, _, _ in router.seen if path == "/elsewhere"]


@pytest.mark.parametrize("reads", [True, False])
def test_a_newer_epoch_at_the_receiver_is_stale(router, reads):
    router.state["epoch"] = 9
    writer = target(router, **({} if reads else {"read_url": None}))
    with pytest.raises(StaleEpochError, match=r"route 'chat' .* holds epoch 9, newer than 7"):
        writer.apply(FLIP)
    assert bool(posts(router)) is not reads, "what is known to be stale is not even sent"


@pytest.mark.parametrize("body", [b"", b"{}", b'{"epoch": 7}', b'{"epoch": 3}', b'{"epoch": "8"}', b'{"epoch": -8}'])
def test_a_conflict_that_names_no_newer_epoch_is_not_stale(router, body):
    router.on_post = lambda handler, _body: send(handler, 409, body)
    with pytest.raises(RoutingError, match="answered 409") as caught:
        target(router).apply(FLIP)
    assert not isinstance(caught.value, StaleEpochError)


def test_a_newer_epoch_in_the_answer_is_stale(router):
    router.on_post = lambda handler, _body: send_json(handler, 200, {**START, "epoch": 8})
    with pytest.raises(StaleEpochError, match="holds epoch 8"):
        target(router).apply(FLIP)


@pytest.mark.parametrize("body", BODIES)
def test_an_invalid_state_is_an_error(router, body):
    router.on_post = router.on_get = lambda handler, _body: send(handler, 200, body)
    for act in (target(router).read, lambda: target(router).apply(FLIP)):
        with pytest.raises(RoutingError, match="answered 200 without a valid state") as caught:
            act()
        assert len(caught.value.detail) < 500


@pytest.mark.parametrize("bad", STRANGE)
def test_what_is_no_answer_is_an_error(router, bad):
    router.on_get = router.on_post = STRANGE[bad]
    with pytest.raises(RoutingError, match=r"GET http://127.0.0.1:\d+/route "):
        target(router).read()
    with pytest.raises(RoutingError, match=r"POST http://127.0.0.1:\d+/route "):
        target(router).apply(FLIP)


@pytest.mark.parametrize("bad", HANGS)
def test_an_answer_that_never_ends_is_given_up_in_time(router, bad):
    router.on_get = HANGS[bad]
    before, began = threading.active_count(), monotonic()
    with pytest.raises(RoutingError, match=r"gave no complete answer within 0\.3 s"):
        target(router, timeout_s=0.3).read()
    assert monotonic() - began < 5.0
    while [thread for thread in threading.enumerate() if thread.name == "routing-http"]:
        assert monotonic() - began < 10.0, f"{threading.active_count()} threads, {before} before"


def test_nobody_there(router):
    router.server.close()
    with pytest.raises(RoutingError, match=r"failed \(ConnectError: Connection refused\)"):
        target(router).read()


@pytest.mark.parametrize("host", ["a..b", "a" * 64, "nobody.invalid"])
def test_a_name_that_leads_nowhere(router, host):
    with pytest.raises(RoutingError, match=rf"GET http://{host}/route (failed|gave no complete answer)"):
        target(router, read_url=f"http://{host}/route").read()


def test_a_write_that_timed_out_after_success_can_be_repeated(router):
    router.after_post = HANGS["hang"]
    with pytest.raises(RoutingError, match="no complete answer"):
        target(router, timeout_s=0.2).apply(FLIP)
    assert target(router).read().shows(FLIP)
    router.after_post = None
    target(router).apply(FLIP)
    (first, _), (second, _) = posts(router)
    assert first["webhook-id"] == second["webhook-id"]


def test_a_write_that_was_swallowed_is_an_error(router):
    router.swallow = True
    with pytest.raises(RoutingError, match=r"answered 200, yet .*weight of base: 0 -> 100;.* 202 is the answer of"):
        target(router).apply(FLIP)


def test_a_receiver_that_needs_time_says_202_and_is_read_back(router):
    router.swallow, router.accepted_status = True, 202
    target(router).apply(FLIP)
    assert not target(router).read().says(FLIP)
    router.on_get = lambda handler, _body: send_json(
        handler, 200, {"epoch": 7, "weights": FLIP.weights, "mirror": "cand", "pending": ["router 2 of 3"]}
    )
    found = target(router).read()
    assert found.says(FLIP)
    assert not found.shows(FLIP)
    assert found.pending == ("router 2 of 3",)


def test_a_state_that_cannot_be_read_does_not_hold_back_a_rollback(router):
    router.on_get = lambda handler, _body: send(handler, 500, b"")
    target(router).apply(FLIP)
    assert router.state == {"epoch": 7, "weights": {"base": 100, "cand": 0}, "mirror": "cand"}
    with pytest.raises(RoutingError, match=r"answered 422: .*no backend .*nowhere"):
        target(router).apply(DesiredRoute(8, {"nowhere": 1}, None))
    assert router.state["epoch"] == 7


def test_backends_that_are_listed_are_known(router):
    router.state["backends"] = ["spare"]
    with pytest.raises(RoutingError, match=r"no backend nowhere; known: base, cand, spare\."):
        target(router).apply(DesiredRoute(1, {"nowhere": 1, "spare": 1}, None))
    assert not posts(router)


def test_without_a_place_to_read_nothing_is_read_and_the_target_says_so(router):
    blind = target(router, read_url=None)
    assert blind.capabilities.read_back is ReadBack.NONE
    assert target(router).capabilities.read_back is ReadBack.CLAIM
    with pytest.raises(RoutingError, match="cannot be read: give read_url"):
        blind.read()
    assert blind.rehearse(FLIP).problems == ("the receiver has neither read_url nor dry_run: nothing can be rehearsed",)
    blind.apply(FLIP)
    assert router.state["epoch"] == 7
    judged = target(router, read_url=None, dry_run=True).rehearse(DesiredRoute(8, {"cand": 1}, None))
    assert judged.ok
    assert "weight of base: 100 -> 0" in judged.changes


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_rehearsal_tells_what_would_change_and_changes_nothing(router, dry_run):
    rehearsal = target(router, dry_run=dry_run).rehearse(FLIP)
    assert rehearsal.ok
    assert rehearsal.changes[:3] == ("weight of base: 0 -> 100", "weight of cand: 100 -> 0", "mirror: base -> cand")
    assert router.state == START
    assert [order["data"]["dry_run"] for _, order in posts(router)] == [True] * dry_run
    unknown = target(router, dry_run=dry_run).rehearse(DesiredRoute(7, {"nowhere": 1}, None))
    assert "no backend nowhere; known: base, cand" in unknown.problems[0]
    router.state["epoch"] = 9
    assert "holds epoch 9" in target(router, dry_run=dry_run).rehearse(FLIP).problems[0]
    router.server.close()
    assert "Connection refused" in target(router, dry_run=dry_run).rehearse(FLIP).problems[0]


def test_a_rehearsal_that_is_put_in_force_is_told(router):
    router.ignores_dry_run = True
    rehearsal = target(router, dry_run=True).rehearse(FLIP)
    assert "put the rehearsed routing in force" in rehearsal.problems[0]
    assert target(router, dry_run=True).rehearse(FLIP).ok, "what was in force before is no trespass"


def test_problems_that_the_receiver_finds_are_passed_on(router):
    router.on_post = lambda handler, _body: send_json(handler, 200, {**START, "problems": ["the gateway is locked"]})
    assert target(router, dry_run=True).rehearse(FLIP).problems == ("the gateway is locked",)


def test_what_the_router_cannot_do_is_not_sent(router):
    per_backend = DesiredRoute(7, {"base": 1, "cand": 1}, {"base": "cand"})
    with pytest.raises(RoutingError, match="setting mirror_per_backend is false"):
        target(router).apply(per_backend)
    with pytest.raises(RoutingError, match="setting mirror is false"):
        target(router, mirror=False).apply(FLIP)
    with pytest.raises(RoutingError, match="weight of base is 1000001, over 1000000"):
        target(router).apply(DesiredRoute(7, {"base": 1_000_001}, None))
    assert "mirror_per_backend" in target(router, dry_run=True).rehearse(per_backend).problems[0]
    assert not router.seen
    target(router, mirror_per_backend=True).apply(per_backend)
    assert router.state["mirror"] == {"base": "cand"}


@pytest.mark.parametrize("hard_cut", [True, False])
def test_the_hard_cut_is_ordered_where_there_is_one(router, hard_cut):
    target(router, hard_cut=hard_cut).apply(DesiredRoute(7, FLIP.weights, "cand", cut=True))
    assert posts(router)[0][1]["data"]["cut"] is hard_cut


def test_what_a_hard_cut_took_out_can_come_back(router):
    cutting = target(router, hard_cut=True)
    cut = DesiredRoute(7, FLIP.weights, None, cut=True)
    router.on_post = lambda handler, _body: send_json(handler, 200, router.state)
    router.state = {"epoch": 7, "weights": {"base": 100}, "mirror": None}
    cutting.apply(cut)
    assert cutting.read().shows(cut)
    router.on_post = None
    with pytest.raises(RoutingError, match="answered 422"):
        cutting.apply(DesiredRoute(8, {"nowhere": 1}, None))
    router.state["backends"] = ["cand"]
    with pytest.raises(RoutingError, match="no backend nowhere; known: base, cand"):
        cutting.apply(DesiredRoute(8, {"nowhere": 1}, None))


def test_proxies_of_the_environment_are_not_asked(router, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert target(router).read().weights == START["weights"]


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    with documented_receiver(tmp_path_factory.mktemp("receiver")) as fresh:
        yield fresh


def forged(url: str, body: bytes, **changed: str) -> int:
    """Send the printed receiver an order whose headers were changed; return its status."""
    headers = signed_headers([b"of the tests, of 32 bytes in all"], "m", SystemClock().now(), body.decode())
    with httpx.Client(trust_env=False) as client:
        return client.request("POST" if body else "GET", url, content=body, headers={**headers, **changed}).status_code


def test_the_printed_receiver_takes_only_what_is_signed(receiver):
    url = receiver(START).settings["url"]
    order = json.dumps({"data": {**FLIP.to_json(), "route": "chat", "dry_run": True}}).encode()
    now = int(SystemClock().now().timestamp())
    assert forged(url, order) == 200
    assert forged(url, b"") == 200
    for body in (order, b""):
        for headers in (
            {"webhook-signature": ""},
            {"webhook-signature": "v1,"},
            {"webhook-signature": "v1," + "A" * 43 + "="},
            {"webhook-id": "other"},
            {"webhook-timestamp": str(now + 60)},
            {"webhook-timestamp": "soon"},
        ):
            assert forged(url, body, **headers) == 401, headers
    old = signed_headers([b"of the tests, of 32 bytes in all"], "m", SystemClock().now() - timedelta(minutes=6), "")
    assert httpx.get(url, headers=old, trust_env=False).status_code == 401


def test_the_printed_receiver_rehearses_and_remembers(receiver):
    ref = receiver(START)
    assert build(ref).rehearse(FLIP).ok
    assert build(ref).read().epoch is None
    unread = TargetRef("webhook", {**ref.settings, "read_url": None})
    with pytest.raises(RoutingError, match=r"answered 422: .*no backend .*nowhere"):
        build(unread).apply(DesiredRoute(1, {"nowhere": 1}, None))
    build(unread).apply(FLIP)
    with pytest.raises(StaleEpochError, match="holds epoch 7, newer than 6"):
        build(unread).apply(DesiredRoute(6, {"cand": 1}, None))
    assert build(ref).read().shows(FLIP)


@contextmanager
def encrypted(router, folder):
    """The router's port, behind TLS with a certificate of its own."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on this machine to make a certificate with")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    command = (
        f"{openssl} req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 2 -subj /CN=127.0.0.1"
    )
    subprocess.run([*command.split(), "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = router.server
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    router.base = router.base.replace("http:", "https:")
    yield str(certificate)


def test_the_certificate_is_checked(router, tmp_path):
    with encrypted(router, tmp_path) as certificate:
        with pytest.raises(RoutingError, match="self-signed certificate"):
            target(router).read()
        assert target(router, ca_file=certificate).read().weights == START["weights"]
        with pytest.raises(RoutingError, match=r"ca_file /nowhere/ca\.pem cannot be used \(No such file"):
            target(router, ca_file="/nowhere/ca.pem").read()
        for bad in HANGS:
            router.on_get, began = HANGS[bad], monotonic()
            with pytest.raises(RoutingError, match="no complete answer within"):
                target(router, ca_file=certificate, timeout_s=0.5).read()
            assert monotonic() - began < 5.0
