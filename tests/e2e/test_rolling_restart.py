"""A rolling restart refuses and loses nothing that one retry after a second would not survive."""

import asyncio
import json
import signal
import socket
import threading
from contextlib import closing, suppress
from datetime import timedelta

import httpx
import psycopg
import pytest

from monitor.clock import SystemClock
from tests.support.envoy import wait_until
from tests.support.events import add_route, bearer, event, key
from tests.support.service import Service

BATCH, SENDERS, RETRY_S, DRAIN_S, LOOK_S = 10, 4, 1.0, 1.5, 0.2


class Balancer:
    """A TCP proxy that gives each connection to the next process whose ``/readyz`` is 200."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.ready: set[int] = set()
        self.turn = 0
        self.loop = asyncio.new_event_loop()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self.run(),), daemon=True)
        self.done = asyncio.Event()

    async def run(self) -> None:
        server = await asyncio.start_server(self.serve, sock=self.listener)
        looking = asyncio.create_task(self.look())
        await self.done.wait()
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        server.close()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    async def look(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=1) as client:
            while True:
                for port in self.ports:
                    ok = False
                    with suppress(httpx.TransportError):
                        ok = (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
                    (self.ready.add if ok else self.ready.discard)(port)
                await asyncio.sleep(LOOK_S)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.turn += 1
        open_to = sorted(self.ready) or self.ports
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", open_to[self.turn % len(open_to)])
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, back_writer), copy(back_reader, writer))

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.done.set)
        self.thread.join(10)
        self.loop.close()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    with suppress(OSError):
        writer.close()


class Sender(threading.Thread):
    """Posts batch after batch over kept connections, each with at most one retry, as Fluent Bit does by default."""

    def __init__(self, name: str, url: str, headers: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.title, self.url, self.headers = name, url, headers
        self.ending = threading.Event()
        self.sent = self.acknowledged = self.retries = 0
        self.lost: list[str] = []

    def run(self) -> None:
        clock = SystemClock()
        with httpx.Client(trust_env=False, timeout=15) as client:
            while not self.ending.is_set():
                at = clock.now() - timedelta(seconds=1)
                batch = [event(f"{self.title}-{self.sent + n}", at, host="llm") for n in range(BATCH)]
                self.sent += BATCH
                self._post(client, json.dumps(batch).encode(), clock)
                clock.wait(0.02)

    def _post(self, client: httpx.Client, body: bytes, clock: SystemClock) -> None:
        problem = self._try(client, body)
        if problem is not None:
            self.retries += 1
            clock.wait(RETRY_S)
            problem = self._try(client, body)
        if problem is None:
            self.acknowledged += BATCH
        else:
            self.lost.append(problem)

    def _try(self, client: httpx.Client, body: bytes) -> str | None:
        try:
            answer = client.post(f"{self.url}/v1/events", content=body, headers=self.headers)
        except httpx.TransportError as error:
            return type(error).__name__
        return None if answer.status_code == 200 else f"HTTP {answer.status_code}"


def restart(service: Service) -> float:
    """SIGTERM, wait for the end, start again; returns how long the end took."""
    clock = SystemClock()
    began = clock.now()
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(30)
    took = (clock.now() - began).total_seconds()
    service.start()
    service.wait_ready()
    return took


@pytest.mark.e2e
def test_a_rolling_restart_loses_nothing_that_one_retry_survives(factory, database_url, tmp_path):
    add_route(factory)
    headers = bearer(key(factory))
    services = [Service(database_url, tmp_path / f"{n}.log", drain_s=str(DRAIN_S)) for n in (1, 2)]
    balancer = Balancer([one.port for one in services])
    senders = [Sender(f"s{n}", balancer.url, headers) for n in range(SENDERS)]
    try:
        for service in services:
            service.start()
        for service in services:
            service.wait_ready()
        balancer.thread.start()
        wait_until(lambda: len(balancer.ready) == 2, "both processes to be ready")
        for sender in senders:
            sender.start()
        wait_until(lambda: all(sender.acknowledged > 50 for sender in senders), "the load to run")
        for service in services:
            before = sum(sender.acknowledged for sender in senders)
            assert restart(service) >= DRAIN_S
            wait_until(lambda: len(balancer.ready) == 2, "both processes to be ready again")
            assert sum(sender.acknowledged for sender in senders) > before, "the other one went on"
    finally:
        for sender in senders:
            sender.ending.set()
        for sender in senders:
            if sender.ident:
                sender.join(20)
        if balancer.thread.ident:
            balancer.stop()
        for service in services:
            service.kill()
    assert [sender.lost for sender in senders] == [[]] * SENDERS
    sent = sum(sender.sent for sender in senders)
    assert sent == sum(sender.acknowledged for sender in senders)
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT count(*), count(DISTINCT request_id) FROM events").fetchone()
    assert found == (sent, sent)


@pytest.mark.e2e
def test_a_draining_process_is_not_ready_and_answers_everything(factory, database_url, tmp_path):
    add_route(factory)
    headers = bearer(key(factory))
    service = Service(database_url, tmp_path / "service.log", drain_s="3")
    try:
        service.start()
        service.wait_ready()
        url = f"{service.url}/v1/events"
        at = SystemClock().now()
        with (
            httpx.Client(trust_env=False, timeout=10) as client,
            closing(socket.create_connection(("127.0.0.1", service.port))) as slow,
        ):
            assert client.post(url, json=[event("r1", at)], headers=headers).status_code == 200
            body = json.dumps([event("slow", at)]).encode()
            head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
            slow.sendall(f"{head}Authorization: {headers['Authorization']}\r\n\r\n".encode() + body[:20])
            service.process.send_signal(signal.SIGTERM)
            wait_until(lambda: not service.ready(), "the process to drain")
            ready = client.get(f"{service.url}/readyz")
            assert (ready.status_code, ready.json()["code"], ready.headers["connection"]) == (503, "draining", "close")
            assert int(ready.headers["retry-after"]) >= 1
            assert client.get(f"{service.url}/healthz").status_code == 200
            assert client.post(url, json=[event("r2", at)], headers=headers).status_code == 200
            wait_until(lambda: not listens(service.port), "the port to be closed")
            assert service.running, "a request is under way"
            slow.sendall(body[20:])
            slow.settimeout(10)
            assert slow.recv(65_536).startswith(b"HTTP/1.1 200")
        service.process.wait(10)
    finally:
        service.kill()
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (3,)


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.e2e
@pytest.mark.parametrize("signals", [(signal.SIGINT,), (signal.SIGTERM, signal.SIGTERM)])
def test_a_person_need_not_wait(factory, database_url, tmp_path, signals):
    service = Service(database_url, tmp_path / "service.log", drain_s="60")
    try:
        service.start()
        service.wait_ready()
        for sent in signals:
            service.process.send_signal(sent)
            SystemClock().wait(0.3)
        service.process.wait(10)
    finally:
        service.kill()
