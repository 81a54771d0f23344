"""An OpenAI-compatible chat server that simulates one variant: ``python -m monitor.demo.chat_server --help``."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import msgspec
import uvicorn

from monitor.clock import Clock, SystemClock
from monitor.demo.answers import Answer
from monitor.demo.behaviour import Behaviour, FaultFile, Plan
from monitor.demo.event_log import JsonLines, headers_of, rfc3339

__all__ = ["ChatServer", "main"]

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
