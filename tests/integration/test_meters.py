"""Loads and counters off real pages: a real llama.cpp, and pages of other engines over real connections."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from time import monotonic

import httpx
import pytest
from typing_extensions import override

from monitor.errors import RoutingError
from monitor.routing.meters import Load, LoadLimits, MeterSettings, judge_load, read_counter, read_load
from tests.support.bad_servers import HANGS, STRANGE
from tests.support.envoy import wait_until
from tests.support.llamacpp_server import running_llamacpp
from tests.support.webhook_router import LoopbackServer, send

VLLM = """# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{{engine="0",model_name="chat-70b"}} 12.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{{engine="0",model_name="chat-70b"}} {0}
vllm:num_requests_waiting{{engine="1",model_name="chat-70b"}} {1}
# TYPE vllm:num_requests_waiting_by_reason gauge
vllm:num_requests_waiting_by_reason{{engine="0",model_name="chat-70b",reason="capacity"}} 99.0
# HELP {2} KV-cache usage. 1 means 100 percent usage.
# TYPE {2} gauge
{2}{{engine="0",model_name="chat-70b"}} 0.25
{2}{{engine="1",model_name="chat-70b"}} 0.75
# TYPE vllm:request_success counter
vllm:request_success_total{{engine="0",finished_reason="stop",model_name="chat-70b"}} 1000.0
vllm:request_success_total{{engine="0",finished_reason="length",model_name="chat-70b"}} 24.0
# TYPE vllm:time_to_first_token_seconds histogram
vllm:time_to_first_token_seconds_bucket{{engine="0",le="0.001",model_name="chat-70b"}} 0.0
vllm:time_to_first_token_seconds_bucket{{engine="0",le="+Inf",model_name="chat-70b"}} 1024.0
"""
NOW = VLLM.format(3.0, 1.0, "vllm:kv_cache_usage_perc")
EARLIER = VLLM.format(3.0, 1.0, "vllm:gpu_cache_usage_perc")
SGLANG = (
    'sglang:num_queue_reqs{model_name="chat-70b",tp_rank="0"} 2.0\nsglang:token_usage{model_name="chat-70b"} 0.28\n'
)
TGI = "# TYPE tgi_queue_size gauge\ntgi_queue_size 5\n"
LLAMACPP = "# TYPE llamacpp:requests_deferred gauge\nllamacpp:requests_deferred 4\n"
ENVOY = """# TYPE envoy_cluster_upstream_rq_total counter
envoy_cluster_upstream_rq_total{envoy_cluster_name="int4"} 512
envoy_cluster_upstream_rq_total{envoy_cluster_name="bf16"} 44
"""


class Pages:
    """A server of metrics pages by path; a path may have a misbehaviour instead."""

    def __init__(self) -> None:
        self.pages: dict[str, object] = {}
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                page = pages[self.path]
                if callable(page):
                    page(self, b"")
                else:
                    send(self, 200, page if isinstance(page, bytes) else str(page).encode(), content_type="text/plain")

            @override
            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = LoopbackServer(Handler)

    def url(self, page: object) -> str:
        path = f"/{len(self.pages)}/metrics"
        self.pages[path] = page
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def settings(self, *pages: object, **more: object) -> MeterSettings:
        return MeterSettings(tuple(self.url(page) for page in pages), **{"within_s": 10, **more})


@pytest.fixture
def server():
    pages = Pages()
    yield pages
    pages.server.close()


@pytest.mark.parametrize(
    ("page", "waiting", "cache"),
    [(NOW, 4, 0.75), (EARLIER, 4, 0.75), (SGLANG, 2, 0.28), (TGI, 5, None), (LLAMACPP, 4, None)],
)
def test_known_engines_need_no_names(server, page, waiting, cache):
    assert read_load(server.settings(page)) == Load(waiting, cache, 1)


def test_replicas_are_summed_and_the_fullest_cache_counts(server):
    assert read_load(server.settings(NOW, VLLM.format(10, 0, "vllm:kv_cache_usage_perc"), SGLANG)) == Load(16, 0.75, 3)


def test_a_cache_that_one_replica_does_not_show_is_not_known(server):
    load = read_load(server.settings(NOW, TGI))
    assert load == Load(9, None, 2)
    assert not judge_load(load, LoadLimits(100, 0.9))[0]


def test_names_and_labels_of_ones_own(server):
    page = 'queue{model="a"} 1\nqueue{model="b"} 2\nfull{model="a"} 0.5\nfull{model="b"} 0.9\n'
    named = {"waiting": "queue", "cache_used": "full"}
    assert read_load(server.settings(page, **named)) == Load(3, 0.9, 1)
    assert read_load(server.settings(page, labels={"model": "a"}, **named)) == Load(1, 0.5, 1)
    load = read_load(server.settings(page, labels={"model": "c"}, **named))
    assert load.waiting is None
    assert load.unread[0].endswith("metrics: shows no queue or no full")


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("", "shows the gauges of no engine that is known (vllm, "),
        ("<html>hello</html>", "no engine that is known"),
        (b"\x00\xff" * 1000, "the page is no text"),
        (NOW.replace("3.0", "NaN"), "vllm:num_requests_waiting is nan"),
        (NOW.replace("3.0", "+Inf"), "vllm:num_requests_waiting is inf"),
        (NOW.replace("0.25", "-0.25"), "vllm:kv_cache_usage_perc is -0.25"),
        (NOW + NOW, "is there twice with the same labels"),
        (lambda handler, _body: send(handler, 503, b"loading"), "answered 503"),
        (lambda handler, _body: send(handler, 302, b"", location="/0/metrics"), "answered 302"),
        *((bad, "GET http://127.0.0.1") for bad in STRANGE.values()),
    ],
)
def test_a_replica_that_cannot_be_relied_on_is_listed_and_is_no_room(server, page, why):
    load = read_load(server.settings(NOW, page))
    assert (load.waiting, load.replicas, len(load.unread)) == (4, 1, 1)
    assert why in load.unread[0]
    assert len(load.unread[0]) < 300
    ok, reason = judge_load(load, LoadLimits(1000, 1.0))
    assert not ok
    assert load.unread[0] in reason


def test_all_replicas_together_have_one_deadline(server):
    began = monotonic()
    load = read_load(server.settings(*HANGS.values(), *HANGS.values(), NOW, within_s=0.5))
    assert monotonic() - began < 5.0
    assert load.replicas == 1
    assert len(load.unread) == 2 * len(HANGS)
    assert all("no complete answer within 0.5 s" in why for why in load.unread)


def test_a_page_of_a_mebibyte_is_read_and_a_longer_one_is_not(server):
    filler = "".join(f'other{{n="{n}"}} {n}\n' for n in range(40_000))
    assert read_load(server.settings(filler[: 1024 * 1024 - len(NOW)].rpartition("\n")[0] + "\n" + NOW)).waiting == 4
    assert "more than 1048576 bytes" in read_load(server.settings(filler + NOW + filler)).unread[0]


def test_a_query_is_not_shown(server):
    settings = MeterSettings(("http://127.0.0.1:1/metrics?token=hunter2",))
    assert "hunter2" not in read_load(settings).unread[0]


def test_counters(server):
    url = server.url(ENVOY)
    assert read_counter(url, "envoy_cluster_upstream_rq_total", {"envoy_cluster_name": "int4"}) == 512
    assert read_counter(url, "envoy_cluster_upstream_rq_total", {}) == 556
    success = {"model_name": "chat-70b"}
    assert read_counter(server.url(NOW), "vllm:request_success_total", success) == 1024


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (
            ENVOY.replace("int4", "int8"),
            r"shows no series envoy_cluster_upstream_rq_total\{envoy_cluster_name='int4'\}",
        ),
        (ENVOY.replace("512", "NaN"), "is nan"),
        (ENVOY.replace("512", "+Inf"), "is inf"),
        (ENVOY + ENVOY, "is there twice"),
        ("", "shows no series"),
        (lambda handler, _body: send(handler, 500, b""), "answered 500"),
        (HANGS["drip_body"], "no complete answer within"),
        *((bad, "GET http://127.0.0.1") for bad in STRANGE.values()),
    ],
)
def test_a_counter_that_cannot_be_relied_on_is_an_error(server, page, why):
    with pytest.raises(RoutingError, match=why):
        read_counter(server.url(page), "envoy_cluster_upstream_rq_total", {"envoy_cluster_name": "int4"}, within_s=0.5)


def test_credentials_are_refused():
    with pytest.raises(ValueError, match="must not carry credentials"):
        read_counter("http://user:hunter2@host/metrics", "a", {})


@contextmanager
def asking(url: str, requests: int):
    """Ask a real engine for long answers, more at a time than it has places."""
    body = {"prompt": "say it all", "n_predict": 3000, "ignore_eos": True}
    client = httpx.Client(trust_env=False, timeout=120)
    stop = threading.Event()

    def one() -> None:
        with client.stream("POST", f"{url}/completion", content=json.dumps({**body, "stream": True})) as answer:
            for _ in answer.iter_raw():
                if stop.is_set():
                    return

    threads = [threading.Thread(target=one, daemon=True) for _ in range(requests)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
        client.close()


def test_a_real_engine_shows_its_queue(tmp_path):
    with running_llamacpp(tmp_path) as url:
        settings = MeterSettings((f"{url}/metrics",), within_s=10)
        idle = read_load(settings)
        assert idle == Load(0, None, 1)
        assert judge_load(idle, LoadLimits(0, None))[0]
        with asking(url, 3):
            wait_until(lambda: read_load(settings).waiting == 2, "two of three requests to wait for the one place")
            assert not judge_load(read_load(settings), LoadLimits(0, None))[0]
        before = read_counter(f"{url}/metrics", "llamacpp:prompt_tokens_total", {}, within_s=10)
        assert before > 0
        httpx.post(f"{url}/completion", json={"prompt": "more words", "n_predict": 1}, trust_env=False, timeout=60)
        assert read_counter(f"{url}/metrics", "llamacpp:prompt_tokens_total", {}, within_s=10) > before
