"""An OpenAI-compatible chat server that simulates one variant (``python -m monitor.demo.chat_server``)."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import msgspec

from monitor.clock import Clock, SystemClock
from monitor.demo.asgi import Receive, Responder, Scope, Send, read_body, run_app
from monitor.demo.behaviour import Behaviour, FaultFile, Plan
from monitor.demo.completions import completion_of, split
from monitor.demo.damage import NoAnswer
from monitor.demo.event_log import JsonLines, event_record, headers_of, milliseconds_since, rfc3339
from monitor.demo.names import ROUTE

__all__ = ["ChatServer", "main"]

_PIECES = 8
_HANGS_S = 60.0
"""How long a request that is never answered is held; every gateway gives up before."""


class ChatServer:
    """The ASGI app.

    Args:
        variant: the variant served, also its name at the router.
        behaviour: plans the answers.
        fault: the fault in force.
        events: the access log.
        injected: gets a line for each answer that the fault made bad.
        clock: for the stamps.
    """

    def __init__(
        self,
        variant: str,
        behaviour: Behaviour,
        fault: FaultFile,
        events: JsonLines,
        injected: JsonLines,
        clock: Clock,
    ) -> None:
        self._variant = variant
        self._behaviour = behaviour
        self._fault = fault
        self._events = events
        self._injected = injected
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        body = await read_body(receive)
        responder = Responder(receive, send)
        try:
            await self._route(scope, body, responder)
        finally:
            responder.close()

    async def _route(self, scope: Scope, body: bytes, responder: Responder) -> None:
        match scope["method"], scope["path"]:
            case "POST", "/v1/chat/completions":
                await self._complete(scope, body, responder)
            case "GET", "/v1/models":
                models = [{"id": ROUTE, "object": "model", "owned_by": "demo"}]
                await responder.json(200, {"object": "list", "data": models})
            case "GET", "/health":
                await responder.json(200, {"status": "ok"})
            case _:
                await responder.json(404, _error("no such path", "not_found"))

    async def _complete(self, scope: Scope, body: bytes, responder: Responder) -> None:
        started_at, began = self._clock.now(), perf_counter()
        headers = headers_of(scope)
        try:
            request = msgspec.json.decode(body)
            plan = self._behaviour.plan(request, headers.get("x-request-id", ""), self._fault.current())
        except (msgspec.DecodeError, KeyError, TypeError):
            await responder.json(400, _error("not a chat completion request", "invalid_request_error"))
            return
        status, response, ttft_ms = await self._answer(request, plan, began, responder)
        record = event_record(headers, self._variant, started_at, request)
        record |= {"duration_ms": milliseconds_since(began), "ttft_ms": ttft_ms, "status": status}
        record |= {"queue_ms": round(1000 * plan.queue_s, 2), "response": response}
        self._log(record, plan, cancelled=responder.gone)

    async def _answer(
        self, request: Mapping[str, Any], plan: Plan, began: float, responder: Responder
    ) -> tuple[int | None, dict[str, Any] | None, float | None]:
        """Send the answer at its pace; return status, body for the log and time to first token."""
        await asyncio.sleep(plan.ttft_s)
        if plan.answer is NoAnswer.HANGING:
            await asyncio.wait_for(responder.until_gone(), _HANGS_S)
            return None, None, None
        if plan.answer is NoAnswer.FAILED:
            failure = _error("the engine stopped unexpectedly", "server_error")
            await responder.json(500, failure)
            return 500, failure, None
        ttft_ms = milliseconds_since(began)
        completion = completion_of(request, plan.answer, f"fp_demo_{self._variant}", self._clock.now())
        if request.get("stream"):
            await _stream(request, completion, plan, responder)
        else:
            await asyncio.sleep(plan.token_s * plan.answer.tokens)
            await responder.json(200, completion)
        return 200, completion, ttft_ms

    def _log(self, record: dict[str, Any], plan: Plan, *, cancelled: bool) -> None:
        if cancelled:
            record["error"] = "cancelled"
        self._events.write(record)
        if plan.injected and (not cancelled or plan.answer is NoAnswer.HANGING):
            self._injected.write({"at": rfc3339(self._clock.now()), "request_id": record["request_id"]})


async def _stream(request: Mapping[str, Any], completion: Mapping[str, Any], plan: Plan, responder: Responder) -> None:
    """Send a completion as server-sent events in a handful of pieces, at the plan's pace."""
    tokens = completion["usage"]["completion_tokens"]
    usage = bool((request.get("stream_options") or {}).get("include_usage"))
    await responder.start(200, "text/event-stream")
    for chunk in split(completion, _PIECES, include_usage=usage):
        if responder.gone:
            return
        await responder.write(b"data: " + msgspec.json.encode(chunk) + b"\n\n")
        await asyncio.sleep(plan.token_s * tokens / _PIECES if _unfinished(chunk) else 0)
    await responder.write(b"data: [DONE]\n\n", more=False)


def _unfinished(chunk: Mapping[str, Any]) -> bool:
    return any(choice["finish_reason"] is None for choice in chunk["choices"])


def _error(message: str, kind: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": None}}


@click.command()
@click.option("--variant", required=True, help="Name of the variant, also its name at the router.")
@click.option("--port", type=int, required=True)
@click.option("--log", "log_path", type=click.Path(path_type=Path), required=True, help="JSONL access log.")
@click.option("--seed", type=int, default=1)
@click.option("--control", type=click.Path(path_type=Path), help='JSON that names the fault: {"fault": "schema"}.')
@click.option("--injected", type=click.Path(path_type=Path), help="Gets a line for each answer made bad.")
def main(variant: str, port: int, log_path: Path, seed: int, control: Path | None, injected: Path | None) -> None:
    """Serve one simulated variant."""
    server = ChatServer(
        variant,
        Behaviour(seed, variant),
        FaultFile(control),
        JsonLines(log_path),
        JsonLines(injected or log_path.with_suffix(".injected.jsonl")),
        SystemClock(),
    )
    run_app(server, port)


if __name__ == "__main__":
    main()
