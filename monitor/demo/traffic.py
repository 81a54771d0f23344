"""Users of the demo: multi-turn conversations at a steady rate: ``python -m monitor.demo.traffic --help``."""

import asyncio
import random
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import httpx
import msgspec

from monitor.demo.completions import assemble, from_stream
from monitor.demo.names import ROUTE
from monitor.demo.scenarios import KINDS, first_prompt, follow_up, request_parts

__all__ = ["Conversation", "Traffic", "TrafficPlan", "main"]

_PAUSE_S = 0.2
_STATS_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class TrafficPlan:
    """What traffic to send."""

    rps: float = 55.0
    seed: int = 1
    kinds: tuple[str, ...] = tuple(KINDS)
    turns: int = 5
    """Longest conversation."""
    max_tokens: int | None = None
    concurrency: int = 150
    """Arrivals above this many open requests are dropped, and counted."""


class Conversation:
    """One user's session: what was said so far and what comes next.

    Args:
        plan: what traffic to send.
        rng: decides kind, length and words.
    """

    def __init__(self, plan: TrafficPlan, rng: random.Random) -> None:
        self.session_id = _uuid(rng)
        self._rng = rng
        self._plan = plan
        kind = rng.choices(plan.kinds, [KINDS[name] for name in plan.kinds])[0]
        self._topic, self._parts = request_parts(kind, rng)
        self._left = rng.randint(1, plan.turns)
        self._messages: list[dict[str, Any]] = []

    def next_request(self) -> tuple[str, dict[str, Any]]:
        """Return the id and the body of the next turn."""
        self._left -= 1
        prompt = follow_up(self._rng) if self._messages else first_prompt(self._topic, self._rng)
        self._messages.append({"role": "user", "content": prompt})
        body: dict[str, Any] = {"model": ROUTE, "messages": self._messages, "temperature": 0, **self._parts}
        if self._rng.choice((True, False)):
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if self._plan.max_tokens is not None:
            body["max_tokens"] = self._plan.max_tokens
        return _uuid(self._rng), body

    def hear(self, message: Mapping[str, Any]) -> bool:
        """Take the answer into the history; tell whether the user goes on."""
        self._messages.append({key: value for key, value in message.items() if value is not None})
        for call in message.get("tool_calls") or ():
            self._messages.append({"role": "tool", "tool_call_id": call["id"], "content": '{"found":true}'})
        return self._left > 0


@dataclass(slots=True)
class Traffic:
    """Sends conversations to one endpoint at a rate that does not wait for answers."""

    plan: TrafficPlan
    client: httpx.AsyncClient
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
            reply = await self.client.post("/v1/chat/completions", content=content, headers=headers)
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


def _uuid(rng: random.Random) -> str:
    return str(UUID(int=rng.getrandbits(128), version=4))


async def _report(traffic: Traffic, path: Path) -> None:
    while True:
        await asyncio.sleep(_STATS_EVERY_S)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(traffic.counts()))
        fresh.rename(path)


async def _run(url: str, plan: TrafficPlan, stats: Path) -> None:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=url, timeout=35, limits=limits, trust_env=False) as client:
        traffic = Traffic(plan, client)
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
def main(
    url: str, rps: float, seed: int, stats: Path, kinds: Sequence[str], turns: int, max_tokens: int | None
) -> None:
    """Send conversations until the process is ended."""
    asyncio.run(_run(url, TrafficPlan(rps, seed, tuple(kinds), turns, max_tokens), stats))


if __name__ == "__main__":
    main()
