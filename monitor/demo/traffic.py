"""Sends the users' conversations at a steady rate: ``python -m monitor.demo.traffic --help``."""

import asyncio
import random
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import httpx
import msgspec

from monitor.demo.completions import assemble, from_stream
from monitor.demo.scenarios import KINDS
from monitor.demo.users import Conversation, TrafficPlan

__all__ = ["Traffic", "main"]

_PAUSE_S = 0.2
_STATS_EVERY_S = 0.5
_PATIENCE_S = 35
_CLIENTS = 12


@dataclass(slots=True)
class Traffic:
    """Sends conversations to one endpoint at a rate that does not wait for answers."""

    plan: TrafficPlan
    clients: Sequence[httpx.AsyncClient]
    """Take turns: a pool looks at each of its connections for every request."""
    sent: int = 0
    ok: int = 0
    failed: int = 0
    dropped: int = 0
    _ready: deque[Conversation] = field(default_factory=deque)
    _open: set["asyncio.Task[None]"] = field(default_factory=set)

    async def run(self) -> None:
        """Send until cancelled."""
        rng = random.Random(self.plan.seed)
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due += rng.expovariate(self.plan.rps)
            await asyncio.sleep(max(0.0, due - loop.time()))
            self._arrive(rng)

    def _arrive(self, rng: random.Random) -> None:
        if len(self._open) >= self.plan.concurrency:
            self.dropped += 1
            return
        fresh = not self._ready
        talk = Conversation(self.plan, random.Random(rng.getrandbits(64))) if fresh else self._ready.popleft()
        task = asyncio.create_task(self._turn(talk))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def _turn(self, talk: Conversation) -> None:
        request_id, body = talk.next_request()
        self.sent += 1
        message = await self._ask(request_id, talk.session_id, body)
        if message is None:
            self.failed += 1
            return
        self.ok += 1
        if talk.hear(message):
            await asyncio.sleep(_PAUSE_S)
            self._ready.append(talk)

    async def _ask(self, request_id: str, session_id: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        headers = {
            "content-type": "application/json",
            "x-request-id": request_id,
            "x-session-id": session_id,
        }
        content = msgspec.json.encode(body)
        try:
            client = self.clients[self.sent % len(self.clients)]
            reply = await client.post("/v1/chat/completions", content=content, headers=headers)
            if not reply.is_success:
                return None
            completion = _completion(reply.content, stream="stream" in body)
            answered: dict[str, Any] = completion["choices"][0]["message"]
        except (httpx.HTTPError, msgspec.DecodeError, LookupError):
            return None
        return answered

    def counts(self) -> dict[str, int]:
        """Return how many requests were sent and what became of them."""
        return {"sent": self.sent, "ok": self.ok, "failed": self.failed, "dropped": self.dropped}


def _completion(content: bytes, *, stream: bool) -> dict[str, Any]:
    if stream:
        return assemble(from_stream(content))
    completion: dict[str, Any] = msgspec.json.decode(content)
    return completion


async def _report(traffic: Traffic, path: Path) -> None:
    while True:
        await asyncio.sleep(_STATS_EVERY_S)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(traffic.counts()))
        fresh.rename(path)


async def _run(url: str, plan: TrafficPlan, stats: Path) -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=url, timeout=_PATIENCE_S, limits=limits, trust_env=False)
            )
            for _ in range(_CLIENTS)
        ]
        traffic = Traffic(plan, clients)
        async with asyncio.TaskGroup() as group:
            group.create_task(traffic.run())
            group.create_task(_report(traffic, stats))


@click.command()
@click.option("--url", required=True, help="Base URL of the gateway.")
@click.option("--rps", type=float, default=55.0)
@click.option("--seed", type=int, default=1)
@click.option("--stats", type=click.Path(path_type=Path), required=True, help="JSON file with the counts.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)), default=tuple(KINDS))
@click.option("--turns", type=int, default=5, help="Longest conversation.")
@click.option("--max-tokens", type=int)
@click.option("--logprobs/--no-logprobs", default=True, help="Ask for log-probabilities where nothing streams.")
def main(
    url: str,
    rps: float,
    seed: int,
    stats: Path,
    kinds: Sequence[str],
    turns: int,
    max_tokens: int | None,
    logprobs: bool,
) -> None:
    """Send conversations until the process is ended."""
    asyncio.run(_run(url, TrafficPlan(rps, seed, tuple(kinds), turns, max_tokens, logprobs), stats))


if __name__ == "__main__":
    main()
