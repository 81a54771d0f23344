"""A directory of answers, one file a variant: the same prompts answered by each, as a benchmark leaves them.

The answers to one prompt become the two legs of one request, paired by id or, without one, by the prompt. Time is made
up: requests follow each other at a rate you choose, in the order of the baseline's file.
"""

import hashlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import msgspec

from monitor.replay.source import Line, Part, Problems, ReplayError, RouteCast
from monitor.replay.spool import seekable

__all__ = ["Outputs", "variant_files"]

_ENDINGS = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
_IDS = ("request_id", "id", "custom_id", "prompt_id", "question_id")
_ANSWERS = ("response", "text", "output", "answer", "completion")
_PASSED_ON = (
    "status", "error", "duration_ms", "ttft_ms", "queue_ms", "response_sse", "stream", "endpoint", "tags",
)  # fmt: skip
_MOST_LINE = 64 * 1024 * 1024
_NOT_THERE = -1


def variant_files(folder: str) -> dict[str, Path]:
    """Return the files of a directory by the variant they are named after.

    Raises:
        ReplayError: there are fewer than two.
    """
    found: dict[str, Path] = {}
    for path in sorted(Path(folder).iterdir()):
        ending = next((each for each in _ENDINGS if path.name.endswith(each)), None)
        if ending is not None and path.is_file():
            found[path.name.removesuffix(ending)] = path
    if len(found) < 2:  # noqa: PLR2004 - two to compare
        raise ReplayError(
            f"{Path(folder).name} holds answers of {len(found)} variants ({', '.join(found) or 'none'}), two are "
            f"needed: one file a variant, DIR/<variant>.jsonl"
        )
    return found


@dataclass(frozen=True, slots=True)
class _Side:
    """One variant's file on the disk, with the place of its answer to each request."""

    name: str
    told: str
    """Its file's name."""
    file: IO[bytes]
    offsets: array  # type: ignore[type-arg]
    numbers: array  # type: ignore[type-arg]


class Outputs:
    """The answers of a baseline and of each candidate; a candidate is a route of its own, so that all are paired.

    The candidate's answers are the primary leg until the controller moves the route; from then on the baseline's are.

    Args:
        files: By variant.
        baseline: Which of them is the reference.
        rate: Requests a second, > 0.
        start: Unix time of the first request.
        lag_s: From the end of an attempt to its receipt, seconds.

    Raises:
        ReplayError: no line can be used.
    """

    follows = True
    has_sessions = False

    def __init__(self, files: Mapping[str, Path], baseline: str, rate: float, start: float, lag_s: float) -> None:
        self.problems = Problems()
        self.flipped: set[str] = set()
        self._rate, self._start, self._lag_s = rate, start, lag_s
        self._stack = ExitStack()
        self._places: dict[bytes, int] = {}
        try:
            self._baseline = self._read(baseline, files[baseline])
            self._candidates = [self._read(name, path) for name, path in sorted(files.items()) if name != baseline]
        except BaseException:
            self.close()
            raise
        if not self._places:
            told = self.problems.shown[0] if self.problems.shown else None
            self.close()
            why = "they are empty" if told is None else f"{told.file}, line {told.line}: {told.detail}"
            raise ReplayError(f"no answer can be read ({why})")
        self._places.clear()

    @property
    def casts(self) -> Sequence[RouteCast]:
        """One route for each candidate, named after it."""
        base = self._baseline.name
        return [RouteCast(side.name, (Part(base, base), Part(side.name, side.name))) for side in self._candidates]

    @property
    def records(self) -> int:
        """Lines there are."""
        return sum(
            sum(place != _NOT_THERE for side in (self._baseline, each) for place in side.offsets)
            for each in self._candidates
        )

    @property
    def span(self) -> tuple[float, float]:
        """When the first and the last would have been received."""
        first = self._start + self._lag_s
        return first, first + (self._requests - 1) / self._rate

    @property
    def first_start(self) -> float:
        """When the first attempt started."""
        return self._start

    @property
    def lag_s(self) -> float:
        """The time from a start to its receipt."""
        return self._lag_s

    @property
    def _requests(self) -> int:
        return max(len(side.offsets) for side in (self._baseline, *self._candidates))

    def lines(self) -> Iterator[Line]:
        """Give out the answers request by request."""
        for request in range(self._requests):
            started = self._start + request / self._rate
            for candidate in self._candidates:
                flipped = candidate.name in self.flipped
                for side, primary in ((candidate, not flipped), (self._baseline, flipped)):
                    if request >= len(side.offsets) or side.offsets[request] == _NOT_THERE:
                        continue
                    side.file.seek(side.offsets[request])
                    event = _event(msgspec.json.decode(side.file.readline(_MOST_LINE)))
                    event |= {
                        "request_id": f"{candidate.name}/{request}",
                        "event_id": f"{candidate.name}/{request}/{side.name}",
                        "started_at": datetime.fromtimestamp(started, UTC).isoformat(),
                        "route": candidate.name,
                        "variant": side.name,
                        "backend": side.name,
                        "leg": "primary" if primary else "shadow",
                    }
                    raw = msgspec.json.encode(event)
                    yield Line(started + self._lag_s, "native", side.told, side.numbers[request], raw)

    def close(self) -> None:
        """Let go of files."""
        self._stack.close()

    def _read(self, name: str, path: Path) -> _Side:
        side = _Side(name, path.name, self._stack.enter_context(seekable(str(path))), array("q"), array("l"))
        told = path.name
        offset = number = 0
        while line := side.file.readline(_MOST_LINE):
            number += 1
            here, offset = offset, offset + len(line)
            if not line.strip():
                continue
            key = self._key(line, told, number)
            if key is None:
                continue
            place = self._places.setdefault(key, len(self._places))
            while len(side.offsets) <= place:
                side.offsets.append(_NOT_THERE)
                side.numbers.append(0)
            if side.offsets[place] != _NOT_THERE:
                self.problems.add(
                    told, number, "duplicate_id", f"line {side.numbers[place]} answers the same request: give it an id"
                )
                continue
            side.offsets[place], side.numbers[place] = here, number
        return side

    def _key(self, line: bytes, file: str, number: int) -> bytes | None:
        """Return what joins a line with the other variants' answers, or None if it cannot be used."""
        try:
            doc = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            doc = None
        if not isinstance(doc, dict):
            self.problems.add(file, number, "malformed_json", "the line is not a JSON object: write one answer a line")
            return None
        if not any(name in doc for name in (*_ANSWERS, "response_sse", "error", "status")):
            self.problems.add(
                file, number, "missing_field", f"there is no answer: name it one of {', '.join(_ANSWERS)}"
            )
            return None
        known = next((doc[name] for name in _IDS if isinstance(doc.get(name), str | int)), None)
        if known is None:
            known = [doc.get(name) for name in ("prompt", "messages", "request")]
            if known == [None] * len(known):
                self.problems.add(
                    file, number, "missing_field", "there is neither an id nor a prompt: pairs cannot be told"
                )
                return None
        return hashlib.blake2b(msgspec.json.encode(known), digest_size=16).digest()


def _event(doc: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bodies and the figures of a native event; a plain answer is one to a chat."""
    event = {name: doc[name] for name in _PASSED_ON if doc.get(name) is not None}
    request = doc.get("request")
    if not isinstance(request, dict):
        turns = doc.get("messages")
        if not isinstance(turns, list):
            prompt = doc.get("prompt")
            turns = [{"role": "user", "content": prompt if isinstance(prompt, str) else ""}]
        asked = {name: doc[name] for name in ("response_format", "tools", "max_tokens", "temperature") if name in doc}
        request = {"messages": turns, **asked}
    event["request"] = request
    answer = next((doc[name] for name in _ANSWERS if doc.get(name) is not None), None)
    if isinstance(answer, dict):
        event["response"] = answer
    elif isinstance(answer, str):
        event["response"] = {
            "object": "chat.completion",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": answer},
                    "finish_reason": doc.get("finish_reason") or "stop",
                }
            ],
        }
    if "status" not in event and "error" not in event:
        event["status"] = 200
    return event
