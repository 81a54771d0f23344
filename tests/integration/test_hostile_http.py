"""What may arrive at a real server's socket: broken, endless, slow and absurd bodies. None holds the service."""

import gzip
import http.client
import json
import os
import socket
import threading
import zlib
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import zstandard

from monitor.clock import SystemClock
from monitor.config import Settings
from monitor.factory import Factory
from monitor.models.key import Scope
from monitor.storage.schema import upgrade
from monitor.storage.session import Database
from tests.conftest import url_for
from tests.support.events import add_route, bearer, event, key
from tests.support.service import serving

BODY_TIMEOUT_S = 2
HEAD_TIMEOUT_S = 1
KEEP_ALIVE_S = 5
"""Uvicorn's own limit of a pause between two requests."""
GROWTH_MIB = 250
"""Most that any of this may add to the resident memory: a body decoded to its limit and its records."""
CLOCK = SystemClock()


@pytest.fixture(scope="module")
def served(server_url, template, tmp_path_factory):
    """A service process over a database of this module's, with the headers of a key."""
    name = f"fullback_hostile_{os.getpid()}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    url = url_for(server_url, name)
    database = Database(url, pool_size=1)
    upgrade(database)
    factory = Factory(Settings(), clock=CLOCK, database=database)
    add_route(factory)
    text = key(factory, Scope.INGEST, Scope.READ)
    database.close()
    log = tmp_path_factory.mktemp("hostile") / "service.log"
    limits = {"body_timeout_s": str(BODY_TIMEOUT_S), "head_timeout_s": str(HEAD_TIMEOUT_S)}
    with serving(url, log, **limits, max_batch_records="200000") as service:
        service.headers = bearer(text)
        yield service
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(autouse=True)
def alive_after(served):
    """Whatever a test sends, the service answers a good event right after, and has not grown."""
    before = served.rss_mib()
    yield
    began = CLOCK.now()
    assert post(served, lines(1)).status_code == 200
    assert CLOCK.now() - began < timedelta(seconds=2)
    assert served.running
    assert served.rss_mib() < before + GROWTH_MIB
    assert "Traceback" not in served.log.read_text()


def lines(n, prefix="r", **fields):
    now = CLOCK.now()
    return b"\n".join(json.dumps(event(f"{prefix}{at}", now, **fields)).encode() for at in range(n))


def post(service, body, path="/v1/events", **headers):
    sent = {**service.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return httpx.post(f"{service.url}{path}", content=body, headers=sent, trust_env=False, timeout=60)


def accounts(service):
    answer = httpx.get(f"{service.url}/v1/ingest/accounts", headers=service.headers, trust_env=False, timeout=10)
    return answer.json()


def opened(service, length, **headers):
    """A connection on which the head of a request was sent."""
    place = urlsplit(service.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    connection.putrequest("POST", "/v1/events")
    for name, value in {**service.headers, **headers}.items():
        connection.putheader(name, value)
    if length is None:
        connection.putheader("Transfer-Encoding", "chunked")
    else:
        connection.putheader("Content-Length", str(length))
    connection.endheaders()
    return connection


PACKED = {"gzip": lambda raw: gzip.compress(raw, 1), "zstd": zstandard.compress, "deflate": zlib.compress}


@pytest.mark.parametrize("coding", PACKED)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_truncated_stream_is_refused_whole(served, coding, kept):
    packed = PACKED[coding](lines(50, prefix=f"cut-{coding}-{kept}-"))
    before = accounts(served)
    answer = post(served, packed[: int(len(packed) * kept)], Content_Encoding=coding)
    assert (answer.status_code, answer.json()["code"]) == (400, "undecodable")
    assert accounts(served) == before, "nothing of it is stored or counted"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_concatenated_streams_are_one_body(served, coding):
    pack = PACKED[coding]
    body = b"".join(pack(lines(10, prefix=f"glued-{coding}-{part}-") + b"\n") for part in range(5))
    answer = post(served, body, Content_Encoding=coding).json()
    assert (answer["received"], answer["stored"]) == (50, 50)


@pytest.mark.parametrize(
    ("body", "coding", "status"),
    [
        (lambda: gzip.compress(lines(2)), None, 200),
        (lambda: gzip.compress(lines(2)), "zstd", 200),
        (lambda: lines(2), "gzip", 200),
        (lambda: zstandard.compress(lines(2)), "gzip", 200),
        (lambda: b"\x00\x01\x02\x03" * 50, "gzip", 400),
        (lambda: lines(2), "br", 415),
        (lambda: lines(2), "gzip, gzip, gzip", 415),
        (lambda: lines(2), "\xe9", 415),
    ],
    ids=["unsaid", "gzip as zstd", "plain as gzip", "zstd as gzip", "noise", "unknown", "three layers", "latin"],
)
def test_a_wrong_content_encoding(served, body, coding, status):
    place = urlsplit(served.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    headers = {**served.headers, **({"Content-Encoding": coding} if coding else {})}
    connection.request("POST", "/v1/events", body(), headers)
    assert connection.getresponse().status == status
    connection.close()


@pytest.mark.parametrize(
    ("pack", "coding"),
    [
        (lambda raw: gzip.compress(raw, 9), "gzip"),
        (zstandard.ZstdCompressor(level=3).compress, "zstd"),
        (lambda raw: gzip.compress(gzip.compress(raw, 9), 9), "gzip, gzip"),
        (lambda raw: zstandard.compress(gzip.compress(raw, 9)), "gzip, zstd"),
    ],
    ids=["gzip", "zstd", "gzip in gzip", "gzip in zstd"],
)
def test_bombs_are_too_large_and_cost_little(served, pack, coding):
    bomb = pack(b"\n" * (512 << 20) if coding == "zstd" else b" " * (256 << 20))
    assert len(bomb) < 2 << 20
    began = CLOCK.now()
    assert post(served, bomb, Content_Encoding=coding).status_code == 413
    assert CLOCK.now() - began < timedelta(seconds=5)


def test_a_client_that_sends_a_byte_a_second_is_let_go_and_holds_nobody(served):
    stop = threading.Event()
    statuses, closed = [], []

    def drip():
        connection = opened(served, 1_000_000)
        try:
            for _ in range(BODY_TIMEOUT_S * 3):
                connection.send(b" ")
                if stop.wait(0.5):
                    break
        except OSError:
            closed.append(True)
        try:
            answer = connection.getresponse()
            statuses.append((answer.status, answer.getheader("Retry-After"), answer.getheader("Connection")))
        except (http.client.HTTPException, OSError):
            closed.append(True)
        connection.close()

    threads = [threading.Thread(target=drip) for _ in range(100)]
    for thread in threads:
        thread.start()
    slowest = timedelta(0)
    for n in range(10):
        began = CLOCK.now()
        assert post(served, lines(1, prefix=f"among-{n}-")).status_code == 200
        slowest = max(slowest, CLOCK.now() - began)
    for thread in threads:
        thread.join(30)
    stop.set()
    assert slowest < timedelta(seconds=2)
    assert set(statuses) <= {(503, "5", "close")}
    assert len(statuses) + len(closed) >= 100
    assert statuses, "somebody reads why"


def test_a_body_without_an_end_is_cut_at_the_limit(served):
    connection = opened(served, None)
    piece = b" " * (1 << 20)
    status = None
    try:
        for _ in range(64):
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    except OSError:
        pass
    try:
        status = connection.getresponse().status
    except (http.client.HTTPException, OSError):
        status = "closed"
    connection.close()
    assert status in {413, "closed"}


def test_a_client_that_goes_away_leaves_nothing(served):
    before = accounts(served)
    for _ in range(20):
        connection = opened(served, 1_000_000)
        connection.send(b"x" * 100_000)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    assert accounts(served) == before


def test_a_batch_of_100_000_elements(served):
    body = gzip.compress(b"[" + b",".join([b"1"] * 99_999) + b"," + lines(1, prefix="last-") + b"]", 1)
    answer = post(served, body).json()
    assert (answer["received"], answer["stored"], answer["rejected"]) == (100_000, 1, 99_999)
    assert answer["rejected_by_code"] == {"not_an_object": 99_999}
    assert len(answer["errors"]) <= 20


def test_more_elements_than_the_limit(served):
    assert post(served, gzip.compress(b"[" + b"1," * 200_001 + b"1]", 1)).status_code == 413


@pytest.mark.parametrize(
    ("days", "code"),
    [
        (3_650, "started_in_future"),
        (-3_650, "started_too_long_ago"),
        (1, "started_in_future"),
        (-8, "started_too_long_ago"),
    ],
)
def test_clocks_years_off(served, days, code):
    stamp = (CLOCK.now() + timedelta(days=days)).isoformat()
    answer = post(
        served, lines(1, prefix=f"off{days}-", started_at=stamp) + b"\n" + lines(1, prefix=f"on{days}-")
    ).json()
    assert (answer["stored"], answer["rejected_by_code"]) == (1, {code: 1})


@pytest.mark.parametrize(
    "stamp", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", 1e300, -1e18, 10**30, True, "now"]
)
def test_clocks_beyond_any_calendar(served, stamp):
    answer = post(served, lines(1, started_at=stamp)).json()
    assert (answer["received"], answer["rejected"]) == (1, 1)


@pytest.mark.parametrize("name", ["request_id", "event_id", "backend", "session_id", "route"])
def test_ids_of_a_megabyte(served, name):
    body = json.dumps([{**event("r", CLOCK.now()), name: "x" * 1_000_000}, event(f"beside-{name}", CLOCK.now())])
    answer = post(served, body.encode()).json()
    assert (answer["received"], answer["stored"], answer["rejected"]) == (2, 1, 1)
    assert answer["rejected_by_code"] == {"too_long": 1}
    assert "xxxx" not in json.dumps(answer)


def test_a_100_000_deep_record_costs_its_neighbours_nothing(served):
    deep = b'{"request_id": "d", "request": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}"
    answer = post(served, lines(2, prefix="by-") + b"\n" + deep + b"\n" + lines(2, prefix="by2-")).json()
    assert (answer["received"], answer["stored"], answer["rejected_by_code"]) == (5, 4, {"too_deep": 1})


def test_noise_on_the_socket_is_no_request(served):
    place = urlsplit(served.url)
    for noise in (
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ):
        with socket.create_connection((place.hostname, place.port), timeout=10) as raw:
            raw.sendall(noise)
            raw.shutdown(socket.SHUT_WR)
            assert raw.recv(4096)[:12] in {b"", b"HTTP/1.1 400"}


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: fullback\r\n\r\n"
UNFINISHED = {
    "nothing": (b"", b""),
    "half a head": (b"POST /v1/events HTTP/1.1\r\nHost: fullback\r\nX-", b""),
    "a head by bytes": (b"POST /v1/events HTTP/1.1\r\nX-", b"y"),
    "a head by lines": (b"POST /v1/events HTTP/1.1\r\n", b"x: y\r\n"),
    "blank lines": (b"", b"\r\n"),
    "half of the next head": (HEALTH + b"GET /hea", b""),
    "the next head by bytes": (HEALTH + b"GET /", b"h"),
    "an answered body": (b"POST /nowhere HTTP/1.1\r\nHost: fullback\r\nContent-Length: 1000000\r\n\r\n", b"z"),
}


def closed_after(service, first, then):
    """How long a connection lives on which this is sent, the second part again and again."""
    place = urlsplit(service.url)
    with socket.create_connection((place.hostname, place.port), timeout=0.1) as raw:
        began = CLOCK.now()
        try:
            raw.sendall(first)
            while CLOCK.now() - began < timedelta(seconds=20):
                try:
                    if raw.recv(4096) == b"":
                        break
                except TimeoutError:
                    raw.sendall(then)
        except OSError:
            pass
        return CLOCK.now() - began


@pytest.mark.parametrize("kind", UNFINISHED)
def test_a_client_that_finishes_no_head_is_let_go_and_holds_nobody(served, kind):
    lives = []
    threads = [
        threading.Thread(target=lambda: lives.append(closed_after(served, *UNFINISHED[kind]))) for _ in range(40)
    ]
    for thread in threads:
        thread.start()
    for n in range(5):
        assert post(served, lines(1, prefix=f"beside-{kind}-{n}-")).status_code == 200
    for thread in threads:
        thread.join(30)
    assert len(lives) == 40
    assert timedelta(seconds=HEAD_TIMEOUT_S / 2) < min(lives), "an ordinary client has its time"
    assert max(lives) < timedelta(seconds=KEEP_ALIVE_S + HEAD_TIMEOUT_S + 4)


def test_a_head_without_an_end_is_cut(served):
    place = urlsplit(served.url)
    sent = 0
    with socket.create_connection((place.hostname, place.port), timeout=10) as raw:
        try:
            raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: fullback\r\n")
            for n in range(4096):
                sent += raw.send(b"x-%d: %s\r\n" % (n, b"y" * 8000))
        except OSError:
            pass
    assert sent < 16 << 20


def test_keep_alive_outlives_the_time_of_a_head(served):
    """Requests on one connection, with pauses, with a slow body, and several heads at once."""
    place = urlsplit(served.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    connection.connect()
    own = connection.sock.getsockname()
    for n in range(3):
        body = lines(1, prefix=f"kept-{n}-")
        connection.putrequest("POST", "/v1/events")
        for name, value in {**served.headers, "Content-Length": str(len(body))}.items():
            connection.putheader(name, value)
        connection.endheaders()
        connection.send(body[:50])
        CLOCK.wait(HEAD_TIMEOUT_S + 0.3)
        connection.send(body[50:])
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["stored"]) == (200, 1)
        CLOCK.wait(HEAD_TIMEOUT_S + 0.3)
        assert connection.sock.getsockname() == own
    connection.sock.sendall(HEALTH * 20)
    answered = b""
    while answered.count(b"HTTP/1.1 200") < 20:
        answered += connection.sock.recv(65536)
    connection.close()
