"""How much room the baseline's replicas have, read off their own ``/metrics`` pages."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from monitor.errors import RoutingError
from monitor.routing.bounded_http import Answer, Question, ask, ask_all, checked_url, shown_url
from monitor.routing.exposition import PageError, series

__all__ = ["ENGINES", "EngineMetrics", "Load", "LoadLimits", "MeterSettings", "judge_load", "read_counter", "read_load"]

_MOST_URLS = 256
_MOST_BYTES = 1024 * 1024
_LONGEST_S = 30.0
_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]{0,199}")


@dataclass(frozen=True, slots=True)
class EngineMetrics:
    """What an engine calls its gauges."""

    waiting: str
    """Requests that wait for a place."""
    cache_used: str | None
    """Share of the KV cache in use, 0 to 1; None where the engine does not tell."""


ENGINES: Mapping[str, EngineMetrics] = MappingProxyType(
    {
        "vllm": EngineMetrics("vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"),
        "vllm_v0": EngineMetrics("vllm:num_requests_waiting", "vllm:gpu_cache_usage_perc"),
        "sglang": EngineMetrics("sglang:num_queue_reqs", "sglang:token_usage"),
        "tgi": EngineMetrics("tgi_queue_size", None),
        "llamacpp_kv": EngineMetrics("llamacpp:requests_deferred", "llamacpp:kv_cache_usage_ratio"),
        "llamacpp": EngineMetrics("llamacpp:requests_deferred", None),
    }
)
"""The engines whose pages are known by what they show; the first whose gauges are all there is taken.

``vllm_v0`` and ``llamacpp_kv`` are what earlier releases showed."""


@dataclass(frozen=True, slots=True)
class MeterSettings:
    """Where the baseline's replicas show their load.

    Raises:
        ValueError: a setting has the wrong type or value.
    """

    urls: tuple[str, ...]
    """Every replica's own page: one behind a balancer shows one of them only."""
    waiting: str | None = None
    """The gauge of waiting requests; None: by the engine that the page is of."""
    cache_used: str | None = None
    """The gauge of the cache's used share; None: the engine's, or none if ``waiting`` is given."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Only series with these labels count, for pages that show several models."""
    within_s: float = 2.0
    """Longest time for all replicas together."""

    def __post_init__(self) -> None:
        if not isinstance(self.urls, tuple) or not 1 <= len(self.urls) <= _MOST_URLS:
            raise ValueError(f"urls must be 1 to {_MOST_URLS} addresses of metrics pages")
        for url in self.urls:
            checked_url(url, "urls", query=True)
        if len(set(self.urls)) < len(self.urls):
            raise ValueError("urls must differ: a replica that is listed twice would be counted twice")
        for setting, name in (("waiting", self.waiting), ("cache_used", self.cache_used)):
            if name is not None and (not isinstance(name, str) or not _METRIC.fullmatch(name)):
                raise ValueError(f"{setting} must be the name of a metric, got {name!r}")
        if self.cache_used is not None and self.waiting is None:
            raise ValueError("cache_used is given without waiting: give both, or none and let the engine be found")
        if not isinstance(self.labels, Mapping) or not all(
            isinstance(name, str) and isinstance(value, str) for name, value in self.labels.items()
        ):
            raise ValueError("labels must map names of labels to their values")
        if isinstance(self.within_s, bool) or not isinstance(self.within_s, int | float):
            raise ValueError(f"within_s must be seconds, got {self.within_s!r}")  # noqa: TRY004 - one error type for settings
        if not 0 < self.within_s <= _LONGEST_S:
            raise ValueError(f"within_s must be over 0 and up to {_LONGEST_S:g}, got {self.within_s!r}")


@dataclass(frozen=True, slots=True)
class Load:
    """The load of all replicas that could be read."""

    waiting: float | None
    """Requests that wait, summed over the replicas; None when none could be read."""
    cache_used: float | None
    """The fullest replica's share of its KV cache, 0 to 1; None unless every replica that was read shows it."""
    replicas: int
    """How many were read."""
    unread: tuple[str, ...] = ()
    """Which could not be read, and why."""


@dataclass(frozen=True, slots=True)
class LoadLimits:
    """Up to where there is room for more traffic; None: not looked at.

    Raises:
        ValueError: a limit is out of its range, or there is none.
    """

    waiting: float | None = 0.0
    """Most requests that may wait, over all replicas."""
    cache_used: float | None = 0.9
    """Largest share of the fullest replica's cache."""

    def __post_init__(self) -> None:
        if self.waiting is None and self.cache_used is None:
            raise ValueError("at least one of waiting and cache_used must be given: else everything would have room")
        if self.waiting is not None and not 0 <= self.waiting < float("inf"):
            raise ValueError(f"waiting must be a number of requests from 0, got {self.waiting!r}")
        if self.cache_used is not None and not 0 < self.cache_used <= 1:
            raise ValueError(f"cache_used must be a share over 0 and up to 1, got {self.cache_used!r}")


def judge_load(load: Load, limits: LoadLimits) -> tuple[bool, str]:
    """Return whether there is room for more traffic, and why. What is not known is never room. Pure."""
    if load.unread:
        more = f" (and {len(load.unread) - 1} more)" if len(load.unread) > 1 else ""
        return False, f"the load of {load.unread[0]}{more} is not known"
    if not load.replicas or load.waiting is None:
        return False, "no replica shows its load"
    if limits.waiting is not None and not load.waiting <= limits.waiting:
        return False, f"{load.waiting:g} requests wait at the baseline (limit {limits.waiting:g})"
    if limits.cache_used is not None:
        if load.cache_used is None:
            return False, "not every replica shows how full its cache is: take away the limit on it, or name its metric"
        if not load.cache_used <= limits.cache_used:
            return False, f"the baseline's cache is {load.cache_used:.0%} full (limit {limits.cache_used:.0%})"
    cache = "" if load.cache_used is None else f", the fullest cache is {load.cache_used:.0%} full"
    replicas = f"{load.replicas} replica{'' if load.replicas == 1 else 's'}"
    return True, f"{load.waiting:g} requests wait at {replicas} of the baseline{cache}"


def read_load(settings: MeterSettings) -> Load:
    """Ask every replica at once; what cannot be read in time is listed, never left out. Raises nothing."""
    questions = [_question(url) for url in settings.urls]
    answers = ask_all(questions, settings.within_s)
    read: list[tuple[float, float | None]] = []
    unread: list[str] = []
    for question, answer in zip(questions, answers, strict=True):
        try:
            read.append(_replica(_page(answer), settings))
        except (RoutingError, PageError) as error:
            unread.append(f"{shown_url(question.url)}: {error}")
    caches = [cache for _, cache in read if cache is not None]
    return Load(
        waiting=sum(waiting for waiting, _ in read) if read else None,
        cache_used=max(caches) if caches and len(caches) == len(read) else None,
        replicas=len(read),
        unread=tuple(unread),
    )


def read_counter(url: str, metric: str, labels: Mapping[str, str], within_s: float = 2.0) -> float:
    """Return a counter of a metrics page, summed over its series with these labels.

    For verification by a router's own metrics: the candidate's requests must not rise. A counter that falls between two
    readings was set back by a restart, and proves nothing.

    Raises:
        ValueError: the address cannot be asked.
        RoutingError: the page cannot be read, or shows no such series: that is not the same as 0.
    """
    question = _question(checked_url(url, "url", query=True))
    try:
        values = series(_page(ask(question, within_s)), metric, labels)
    except PageError as error:
        raise RoutingError(f"{shown_url(url)}: {error}") from None
    if not values:
        wanted = ", ".join(f"{name}={value!r}" for name, value in sorted(labels.items()))
        raise RoutingError(f"{shown_url(url)} shows no series {metric}{{{wanted}}}: check the name and the labels")
    return sum(values)


def _question(url: str) -> Question:
    return Question("GET", url, {"accept": "text/plain"}, most_bytes=_MOST_BYTES)


def _page(answer: Answer | RoutingError) -> bytes:
    if isinstance(answer, RoutingError):
        raise answer
    if not answer.ok:
        raise PageError(f"answered {answer.status}")
    return answer.body


def _replica(page: bytes, settings: MeterSettings) -> tuple[float, float | None]:
    """Return how many wait at a replica, and its fullest cache."""
    if settings.waiting is not None:
        named = EngineMetrics(settings.waiting, settings.cache_used)
        found = _gauges(page, named, settings.labels)
        if found is None:
            raise PageError(f"shows no {' or no '.join(filter(None, (named.waiting, named.cache_used)))}")
        return found
    for engine in ENGINES.values():
        found = _gauges(page, engine, settings.labels)
        if found is not None:
            return found
    raise PageError(f"shows the gauges of no engine that is known ({', '.join(ENGINES)}): name them")


def _gauges(page: bytes, engine: EngineMetrics, labels: Mapping[str, str]) -> tuple[float, float | None] | None:
    """Return the sum of the waiting and the fullest cache over a page's series, None unless all gauges are there."""
    waiting = series(page, engine.waiting, labels)
    cache = [] if engine.cache_used is None else series(page, engine.cache_used, labels)
    if not waiting or (engine.cache_used is not None and not cache):
        return None
    return sum(waiting), max(cache) if cache else None
