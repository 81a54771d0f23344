"""A proxy that answers wrongly, slowly, too much or not at all is an error that says so, and no secret is shown."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from typing_extensions import override

from monitor.clock import SystemClock
from monitor.errors import RoutingError, ValidationError
from monitor.models.route import DesiredRoute, TargetRef
from monitor.routing.base import ReadBack
from monitor.routing.litellm_router import detours, strategy_of
from monitor.routing.registry import build

KEY = "sk-of-this-test-0123456789"
BACK = DesiredRoute(1, {"base": 1, "cand": 0}, None)
Answer = tuple[int, Any]


class Proxy:
    """Answers what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                proxy.asked.append((self.command, self.path, json.loads(body) if body else None))
                answer = proxy.answers.get(f"{self.command} {self.path}", (404, {"detail": "Not Found"}))
                if callable(answer):
                    answer(self)
                    return
                status, document = answer
                content = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_PATCH = do_GET  # noqa: N815 - names that http.server asks for

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def serves(self, *deployments: dict[str, Any]) -> None:
        """Be an older proxy: it takes writes, and drops what it does not know."""
        self.answers["GET /model/info"] = (200, {"data": list(deployments)})
        for one in deployments:
            self.answers[f"PATCH /model/{one['model_info']['id']}/update"] = self._store

    def _store(self, handler: BaseHTTPRequestHandler) -> None:
        change = self.asked[-1][2]
        found = next(
            one for one in self.answers["GET /model/info"][1]["data"] if one["model_info"]["id"] in handler.path
        )
        found["litellm_params"].update(change["litellm_params"])
        found["model_info"].update(change["model_info"])
        content = json.dumps({**found, "model_id": found["model_info"]["id"]}).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    @property
    def writes(self) -> list[str]:
        return [path for method, path, _ in self.asked if method != "GET"]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def proxy(monkeypatch) -> Iterator[Proxy]:
    monkeypatch.setenv("FULLBACK_TARGET_LITELLM", KEY)
    running = Proxy()
    yield running
    running.close()


def ref(proxy: Proxy, **settings: Any) -> TargetRef:
    base = {"url": proxy.url, "model_group": "chat", "key_env": "FULLBACK_TARGET_LITELLM", "timeout_s": 2}
    return TargetRef("litellm", {name: value for name, value in {**base, **settings}.items() if value is not None})


def entry(id_: str, weight: int, **info: Any) -> dict[str, Any]:
    return {
        "model_name": "chat",
        "litellm_params": {"weight": weight},
        "model_info": {"id": id_, "db_model": True, **info},
    }


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((200, b"<html>"), "answered no JSON object"),
        ((200, [1]), "answered no JSON object"),
        ((200, b"[" * 100_000), "answered no JSON object"),
        ((200, {"data": None}), "without a list in 'data'"),
        ((200, {"data": []}), "has no deployment of model group 'chat'"),
        ((200, {"data": [{"model_name": "chat"}]}), "without litellm_params or model_info.id"),
        ((500, {"error": {"message": "no database"}}), "answered 500 .* 'no database'"),
        ((500, {"error": {"message": f"key {KEY} is odd"}}), r"key \*\*\* is odd"),
        ((503, b""), "answered 503 .* 'no message'"),
        ((302, {}), "answered 302"),
        ((401, {"error": {"message": f"Received API Key = {KEY}"}}), "refused the key .*role proxy_admin"),
        ((403, {"detail": f"{KEY}"}), "refused the key .*role proxy_admin"),
    ],
)
def test_wrong_answers(proxy, answer, says):
    proxy.answers["GET /model/info"] = answer
    target = build(ref(proxy))
    for act in (target.read, lambda: target.apply(BACK)):
        with pytest.raises(RoutingError, match=says) as error:
            act()
        assert KEY not in str(error.value)
    assert target.rehearse(BACK).problems
    assert proxy.writes == []


def test_answer_without_end_is_cut_off(proxy):
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"100000\r\n" + b" " * 0x100000 + b"\r\n")
        except OSError:
            handler.close_connection = True

    proxy.answers["GET /model/info"] = endless
    with pytest.raises(RoutingError, match="more than 16 MiB"):
        build(ref(proxy, timeout_s=30)).read()


def test_answer_that_drips_is_cut_off(proxy):
    clock = SystemClock()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"1\r\n \r\n")
                clock.wait(0.05)
        except OSError:
            handler.close_connection = True

    proxy.answers["GET /model/info"] = drip
    start = clock.now()
    with pytest.raises(RoutingError, match=r"did not finish its answer in 0\.3 s"):
        build(ref(proxy, timeout_s=0.3)).read()
    assert (clock.now() - start).total_seconds() < 3


def test_silence_is_cut_off(proxy):
    proxy.answers["GET /model/info"] = lambda _: SystemClock().wait(1)
    with pytest.raises(RoutingError, match=r"cannot be reached \(ReadTimeout\)"):
        build(ref(proxy, timeout_s=0.2)).read()


def test_older_proxy_is_written_by_weight_and_says_that_it_cannot_cut(proxy):
    proxy.serves(entry("base", 0), entry("cand", 100))
    target = build(ref(proxy))
    assert target.capabilities.hard_cut
    target.apply(BACK)
    assert target.read().says(BACK)
    assert not target.capabilities.hard_cut, "found out by asking"
    assert proxy.writes == ["/model/base/update", "/model/cand/update"]
    assert all("blocked" not in body for _, _, body in proxy.asked if body)
    cut = DesiredRoute(2, BACK.weights, None, cut=True)
    assert "too old to block" in target.rehearse(cut).problems[0]
    with pytest.raises(RoutingError, match=r"epoch 2 is written with weight 0, yet .* too old to block cand"):
        target.apply(cut)
    assert target.read().says(cut)


def test_write_that_was_answered_and_not_stored(proxy):
    proxy.serves(entry("base", 0, blocked=False), entry("cand", 100, blocked=False))
    proxy.answers["PATCH /model/base/update"] = (200, {"litellm_params": {"weight": 0}, "blocked": False})
    with pytest.raises(RoutingError, match="answered that it changed base, yet did not store it"):
        build(ref(proxy)).apply(BACK)
    assert proxy.writes == ["/model/base/update"], "the candidate is not lowered before the baseline is up"


def test_timeout_after_success_is_completed_by_the_next_attempt(proxy):
    proxy.serves(entry("base", 0), entry("cand", 100))
    store = proxy.answers["PATCH /model/base/update"]

    def lost(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile = _Nowhere()  # type: ignore[assignment]
        store(handler)
        SystemClock().wait(0.6)
        handler.close_connection = True

    proxy.answers["PATCH /model/base/update"] = lost
    target = build(ref(proxy, timeout_s=0.3))
    with pytest.raises(RoutingError, match="ReadTimeout"):
        target.apply(BACK)
    assert dict(target.read().weights) == {"base": 1, "cand": 100}
    proxy.answers["PATCH /model/base/update"] = store
    target.apply(BACK)
    assert target.read().says(BACK)


class _Nowhere:
    """A line on which nothing arrives."""

    closed = True

    def write(self, content: bytes) -> int:
        return len(content)

    def flush(self) -> None:
        pass

    close = flush


def test_orders_are_refused_before_any_write(proxy):
    ordered = entry("cand", 100)
    ordered["litellm_params"]["order"] = 1
    proxy.serves(entry("base", 0), ordered)
    with pytest.raises(RoutingError, match="order differs"):
        build(ref(proxy)).apply(BACK)
    assert proxy.writes == []


def test_settings_page_that_fails_does_not_hold_back_a_write_and_shows_in_the_reading(proxy):
    proxy.serves(entry("base", 0), entry("cand", 100))
    proxy.answers["GET /router/settings"] = (500, {"detail": "out of order"})
    target = build(ref(proxy))
    target.apply(BACK)
    found = target.read()
    assert found.says(BACK)
    assert "out of order" in found.pending[0]


def test_rehearsal_shows_what_the_proxy_would_refuse(proxy):
    proxy.serves(entry("base", 0), entry("cand", 100))
    proxy.answers["POST /model/block"] = (400, {"error": {"message": "Model updates only supported for DB-stored"}})
    assert "would refuse the write: 400" in build(ref(proxy)).rehearse(BACK).problems[0]
    assert proxy.writes == ["/model/block"]


def test_copies_for_which_there_is_no_group(proxy):
    proxy.serves(entry("base", 0), entry("cand", 100))
    copied = DesiredRoute(1, BACK.weights, "cand")
    with pytest.raises(RoutingError, match="set mirror_groups"):
        build(ref(proxy)).apply(copied)
    with pytest.raises(RoutingError, match="no model group chat-cand for copies"):
        build(ref(proxy, mirror_groups={"cand": "chat-cand"})).apply(copied)
    assert proxy.writes == []


def test_key_from_a_file_and_its_absence(proxy, tmp_path, monkeypatch):
    proxy.serves(entry("base", 1))
    held = tmp_path / "key"
    held.write_text(KEY + "\n")
    target = build(ref(proxy, key_env=None, key_file=str(held)))
    assert dict(target.read().weights) == {"base": 1}
    for content in ("", "two words", "k" * 5000, "kéy"):
        held.write_text(content)
        with pytest.raises(RoutingError, match="key") as error:
            target.read()
        assert content == "" or content not in str(error.value)
    held.unlink()
    with pytest.raises(RoutingError, match="FileNotFoundError"):
        target.read()
    monkeypatch.delenv("FULLBACK_TARGET_LITELLM")
    with pytest.raises(RoutingError, match="environment variable FULLBACK_TARGET_LITELLM is empty or not set"):
        build(ref(proxy)).read()


def test_name_without_an_address_is_pending(proxy):
    proxy.serves(entry("base", 1))
    found = build(ref(proxy, replicas_dns="http://nowhere.invalid:4000", timeout_s=5)).read()
    assert "nowhere.invalid has no address" in found.pending[0]


def test_name_whose_resolver_does_not_answer_is_given_up(proxy, monkeypatch):
    proxy.serves(entry("base", 1))
    known, over = socket.getaddrinfo, threading.Event()

    def resolve(host: Any, *more: Any, **named: Any) -> list[Any]:
        if host == "slow.invalid":
            over.wait(5)
            host = "127.0.0.1"
        return known(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    port = proxy.url.rpartition(":")[2]
    found = build(ref(proxy, replicas_dns=f"http://slow.invalid:{port}", timeout_s=0.3)).read()
    over.set()
    assert dict(found.weights) == {"base": 1}
    assert "slow.invalid has no address after 0.3 s" in found.pending[0]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"url": "ftp://x"}, "url must be http"),
        ({"url": 3}, "url must be a text"),
        ({"url": "http://me:secret@x"}, "url must not carry credentials"),
        ({"model_group": ""}, "model_group must be a text"),
        ({"key_env": "sk-abcdef-secret"}, "key_env must be the name of an environment variable"),
        ({"key_env": 7}, "key_env must be the name"),
        ({"key_env": "FULLBACK_DATABASE_URL"}, "begins with FULLBACK_TARGET_"),
        ({"key_env": None}, "give key_env .* or key_file"),
        ({"key_file": "/run/key"}, "give key_env .* or key_file"),
        ({"key_env": None, "key_file": "sk-secret"}, "key_file must be the absolute path"),
        ({"replicas": "http://x"}, "replicas must be a list"),
        ({"replicas": []}, "replicas must be a list of 1 to 64"),
        ({"replicas": ["http://x"] * 65}, "replicas must be a list of 1 to 64"),
        ({"replicas": ["x"]}, "replicas must be http"),
        ({"replicas_dns": "x"}, "replicas_dns must be http"),
        ({"deployments": {"a": "b"}}, "deployments must map backends to lists"),
        ({"deployments": {"a": ["x"], "b": ["x"]}}, "each model_info.id once"),
        ({"mirror_groups": ["a"]}, "mirror_groups must map"),
        ({"mirror_groups": {"a": "x", "b": "x"}}, "each group once"),
        ({"mirror_groups": {"a": "chat"}}, "must not name model_group 'chat'"),
        ({"reload_s": 0}, "reload_s must be seconds over 0 and up to 3600"),
        ({"timeout_s": 61}, "timeout_s must be seconds over 0 and up to 60"),
        ({"timeout_s": True}, "timeout_s must be seconds"),
    ],
)
def test_settings_are_checked_without_connecting(wrong, says):
    settings = {"url": "http://127.0.0.1:1", "model_group": "chat", "key_env": "FULLBACK_TARGET_LITELLM", **wrong}
    with pytest.raises(ValidationError, match=says) as error:
        build(TargetRef("litellm", {name: value for name, value in settings.items() if value is not None}))
    assert "secret" not in str(error.value)


def test_capabilities_follow_the_settings():
    plain = {"url": "http://127.0.0.1:1", "model_group": "chat", "key_env": "FULLBACK_TARGET_LITELLM"}
    alone = build(TargetRef("litellm", plain)).capabilities
    assert (alone.mirror, alone.mirror_per_backend, alone.read_back) == (False, False, ReadBack.CLAIM)
    told = {**plain, "replicas": ["http://127.0.0.1:2"], "mirror_groups": {"a": "x"}, "reload_s": 5}
    full = build(TargetRef("litellm", told)).capabilities
    assert (full.mirror, full.mirror_per_backend, full.read_back) == (True, True, ReadBack.PER_REPLICA)
    assert full.propagation_s == 5
    assert not full.fencing
    assert not full.atomic_mirror


def test_strategy_of_a_routing_group_wins():
    groups = [{"models": ["chat"], "routing_strategy": "cost-based-routing"}]
    settings = {"routing_strategy": "simple-shuffle", "routing_groups": groups}
    assert strategy_of(settings, "chat") == "cost-based-routing"
    assert strategy_of(settings, "other") == "simple-shuffle"
    assert strategy_of({}, "chat") is None


def test_alias_and_fallbacks_of_every_form_are_named():
    entries = [{"model_name": "spare", "litellm_params": {"model": "m", "api_base": "b"}}]
    settings = {
        "model_group_alias": {"chat": {"model": "else"}},
        "fallbacks": [{"*": [{"model": "spare"}]}, "odd", {"chat": None}],
        "content_policy_fallbacks": 3,
    }
    from monitor.routing.litellm_group import Deployment

    said = detours(settings, "chat", [Deployment("cand", 1, endpoint=("m", "b"))], entries)
    assert said == {
        "model_group_alias": "chat stands for else: this group is not asked",
        "fallbacks": "chat falls back to spare (asks what cand asks)",
    }
