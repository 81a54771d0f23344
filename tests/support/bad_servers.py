"""Answers that no client should have to wait for, or swallow."""

import gzip
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

from monitor.clock import SystemClock

__all__ = ["HANGS", "STRANGE"]

_LONG_S = 20.0
_STEP_S = 0.05


def hang(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    _drip(handler, b"")


def drip_head(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    _drip(handler, b"HTTP/1.1 200 OK\r\nx: ", b"a")


def drip_body(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    _drip(handler, b"HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n", b"1")


def drip_interim(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    _drip(handler, b"", b"HTTP/1.1 102 Processing\r\n\r\n")


HANGS = {f.__name__: f for f in (hang, drip_head, drip_body, drip_interim)}
"""They never end by themselves."""


def endless(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    with suppress(OSError):
        for _ in range(4096):
            handler.wfile.write(b"x 1\n" * 16384)
    handler.close_connection = True


def cut_short(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.wfile.write(b'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"epoch": 1')
    handler.close_connection = True


def zipped(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    bomb = gzip.compress(b"0" * 2**24)
    handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb) + bomb)


def no_http(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")
    handler.close_connection = True


def long_head(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    with suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"x: %s\r\n" % (b"a" * 1000) * 2000)
    handler.close_connection = True


STRANGE = {f.__name__: f for f in (endless, cut_short, zipped, no_http, long_head)}
"""They end, and are no answer."""


def _drip(handler: BaseHTTPRequestHandler, first: bytes, then: bytes = b"") -> None:
    """Write now and then, so that no single wait is long, until the client goes away."""
    handler.close_connection = True
    with suppress(OSError):
        handler.wfile.write(first)
        for _ in range(int(_LONG_S / _STEP_S)):
            SystemClock().wait(_STEP_S)
            handler.wfile.write(then)
