"""The shipper loses nothing and skips nothing."""

import gzip
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from monitor.demo.shipper import Sender, Tail, Tailing


class Receiver(ThreadingHTTPServer):
    """Answers by a script of moods, then well; keeps what it acknowledged."""

    daemon_threads = True

    def __init__(self, moods=()):
        super().__init__(("127.0.0.1", 0), Handler)
        self.moods = list(moods)
        self.stored, self.seen, self.largest = [], [], 10**9

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1/events"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        lines = gzip.decompress(body).splitlines()
        self.server.seen.append(dict(self.headers))
        mood = self.server.moods.pop(0) if self.server.moods else 200
        if mood == "reset":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        if mood == "reset after storing":
            self.server.stored += lines
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        status = 413 if len(lines) > self.server.largest else mood
        if status == 200:
            self.server.stored += lines
        summary = {"accepted": len(lines), "stored": len(lines), "duplicates": 0, "rejected": {"too_old": 1}}
        reply = json.dumps(summary).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *args):
        pass


@pytest.fixture
def start():
    started = []

    def begin(moods=()):
        receiver = Receiver(moods)
        threading.Thread(target=receiver.serve_forever, args=(0.05,), daemon=True).start()
        started.append(receiver)
        return receiver

    yield begin
    for receiver in started:
        receiver.shutdown()
        receiver.server_close()


class Patience(threading.Event):
    """A stop signal whose waits do not last; it is set once so many waits found nothing new to ship."""

    def __init__(self, waits):
        super().__init__()
        self.waits, self.asked = waits, []

    def wait(self, timeout=None):
        self.asked.append(timeout)
        if len(self.asked) >= self.waits:
            self.set()
        return self.is_set()


def lines(first, last):
    return [json.dumps({"request_id": f"r{number}"}).encode() for number in range(first, last)]


def write(path, content):
    with path.open("ab") as file:
        file.write(content)


def ship(path, receiver, waits):
    stop = Patience(waits)
    sender = Sender(receiver.url, "fb_key", timeout_s=5)
    work = Tailing(Tail(path), sender, stop)
    work.run()
    sender.close()
    return work, stop


def test_everything_arrives_in_order_and_in_batches(tmp_path, start):
    path, receiver = tmp_path / "log.jsonl", start()
    write(path, b"\n".join(lines(0, 1203)) + b"\n")
    work, _ = ship(path, receiver, waits=1)
    assert receiver.stored == lines(0, 1203)
    assert len(receiver.seen) == 3
    assert work.counts["stored"] == 1203
    assert work.counts["rejected"] == 3
    assert receiver.seen[0]["Authorization"] == "Bearer fb_key"
    assert receiver.seen[0]["Content-Type"] == "application/x-ndjson"
    assert receiver.seen[0]["Content-Encoding"] == "gzip"


def test_refusals_and_resets_are_tried_again(tmp_path, start, capsys):
    path, receiver = tmp_path / "log.jsonl", start([503, 503, "reset", 500, 200, "reset", 401])
    write(path, b"\n".join(lines(0, 900)) + b"\n")
    work, stop = ship(path, receiver, waits=7)
    assert receiver.stored == lines(0, 900)
    assert work.counts["retries"] == 6
    assert work.trouble == ""
    assert stop.asked[:4] == [0.2, 0.4, 0.8, 1.6]
    assert "HTTP 503" in capsys.readouterr().err


def test_an_answer_lost_after_storing_means_twice_never_none(tmp_path, start):
    path, receiver = tmp_path / "log.jsonl", start(["reset after storing"])
    write(path, b"\n".join(lines(0, 10)) + b"\n")
    ship(path, receiver, waits=2)
    assert receiver.stored == lines(0, 10) * 2


def test_a_batch_that_is_too_large_is_halved(tmp_path, start):
    path, receiver = tmp_path / "log.jsonl", start()
    receiver.largest = 60
    write(path, b"\n".join(lines(0, 400)) + b"\n")
    ship(path, receiver, waits=1)
    assert receiver.stored == lines(0, 400)


def test_half_written_lines_wait_for_their_end(tmp_path):
    path = tmp_path / "log.jsonl"
    tail = Tail(path)
    assert tail.read() is None
    write(path, b'{"a":1}\n{"b"')
    first = tail.read()
    assert first.lines == (b'{"a":1}\n',)
    tail.acknowledge(first)
    assert tail.read() is None
    write(path, b":2}\n")
    assert tail.read().lines == (b'{"b":2}\n',)


def test_stopping_while_the_receiver_is_away_ends_without_skipping(tmp_path, start):
    path, receiver = tmp_path / "log.jsonl", start([503] * 10)
    write(path, b"\n".join(lines(0, 5)) + b"\n")
    work, _ = ship(path, receiver, waits=2)
    assert receiver.stored == []
    assert work.counts["lines"] == 0
