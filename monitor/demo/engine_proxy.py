"""A proxy that logs what a real engine answers (``python -m monitor.demo.engine_proxy``)."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import httpx
import msgspec

from monitor.clock import Clock, SystemClock
from monitor.demo.asgi import Receive, Responder, Scope, Send, read_body, run_app
from monitor.demo.completions import assemble, from_stream
from monitor.demo.event_log import JsonLines, event_record, headers_of, milliseconds_since

__all__ = ["EngineProxy", "main"]

_FORWARDED = ("content-type", "x-request-id")


class EngineProxy:
    """The ASGI app.

    Args:
        variant: the variant served, also its name at the router.
        client: reaches the engine.
        engine: the file with the engine's base URL, read for each request: a deployment replaces it.
        events: the access log.
        clock: for the stamps.
    """

    def __init__(self, variant: str, client: httpx.AsyncClient, engine: Path, events: JsonLines, clock: Clock) -> None:
        self._variant = variant
        self._client = client
        self._engine = engine
        self._events = events
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Forward one request; log it when it is a chat completion."""
        body = await read_body(receive)
        responder = Responder(receive, send)
        try:
            if scope["path"] == "/v1/chat/completions":
                await self._complete(headers_of(scope), body, responder)
            else:
                await self._forward(scope["method"], scope["path"], {}, body, responder)
        finally:
            responder.close()

    async def _complete(self, headers: dict[str, str], body: bytes, responder: Responder) -> None:
        started_at, began = self._clock.now(), perf_counter()
        forwarded = {name: headers[name] for name in _FORWARDED if name in headers}
        status, content, ttft_ms = await self._forward("POST", "/v1/chat/completions", forwarded, body, responder)
        duration_ms = milliseconds_since(began)
        request = _decoded(body)
        streamed = isinstance(request, dict) and bool(request.get("stream"))
        record = event_record(headers, self._variant, started_at, request)
        record |= {"duration_ms": duration_ms, "ttft_ms": ttft_ms if streamed else None, "status": status}
        record["response"] = _answered(content) if streamed else _decoded(content)
        if responder.gone:
            record["error"] = "cancelled"
        self._events.write(record)

    async def _forward(
        self, method: str, path: str, headers: dict[str, str], body: bytes, responder: Responder
    ) -> tuple[int, bytes, float | None]:
        """Pass a request on; return status, body and time to the first bytes of the body."""
        began, ttft_ms, content = perf_counter(), None, []
        try:
            url = f"{self._engine.read_text()}{path}"
            async with self._client.stream(method, url, headers=headers, content=body) as reply:
                await responder.start(reply.status_code, reply.headers.get("content-type", "text/plain"))
                async for part in _parts(reply):
                    ttft_ms = ttft_ms or milliseconds_since(began)
                    content.append(part)
                    await responder.write(part)
                await responder.write(b"", more=False)
                return reply.status_code, b"".join(content), ttft_ms
        except httpx.TransportError as error:
            if content:
                return 502, b"".join(content), ttft_ms
            failure = {"error": {"message": type(error).__name__, "type": "engine_unreachable", "code": None}}
            await responder.json(502, failure)
            return 502, json.dumps(failure).encode(), None


async def _parts(reply: httpx.Response) -> AsyncIterator[bytes]:
    async for part in reply.aiter_raw():
        if part:
            yield part


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None


def _answered(stream: bytes) -> Any:
    try:
        return assemble(from_stream(stream))
    except (LookupError, msgspec.DecodeError):
        return _decoded(stream)


@click.command()
@click.option("--variant", required=True, help="Name of the variant, also its name at the router.")
@click.option("--port", type=int, required=True)
@click.option("--engine-file", type=click.Path(exists=True, path_type=Path), required=True, help="Has its base URL.")
@click.option("--log", "log_path", type=click.Path(path_type=Path), required=True, help="JSONL access log.")
def main(variant: str, port: int, engine_file: Path, log_path: Path) -> None:
    """Serve one real engine's variant."""
    limits = httpx.Limits(max_connections=None)
    client = httpx.AsyncClient(timeout=30, trust_env=False, limits=limits)
    run_app(EngineProxy(variant, client, engine_file, JsonLines(log_path), SystemClock()), port)


if __name__ == "__main__":
    main()
