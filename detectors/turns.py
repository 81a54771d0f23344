"""Prints of user turns: what is kept of a turn to find it again in other requests, without keeping the text."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from zlib import crc32

from detectors.signals._restating import content_words, is_step
from detectors.signals._turns import fold
from detectors.types import Message

__all__ = ["MAX_CHARS", "TurnPrint", "answer_digest", "near_duplicate", "turn_fingerprint"]

MAX_CHARS = 1 << 16
"""Of a longer text the first characters and the length count."""
MIN_KEY_BYTES = 16
MAX_KEY_BYTES = 64
_DIGEST_BYTES = 8
_BUCKETS = 16
_BUCKET_BITS = 4
_VALUES = (1 << _BUCKET_BITS) - 1
_SPREAD = (1 << 64) - 1
_BUCKET_SHIFT = 60
_VALUE_SHIFT = 32
_MOST_WORDS = 255
_LONG_WORDS = 12
_KEPT = 0.8
"""Share of the longer turn's words that a near-duplicate has."""
_AGREEING = 0.75
"""Share of the buckets in use that agree in two long near-duplicates."""
_THOUGHT = ("<think>", "</think>")


@dataclass(frozen=True, slots=True)
class TurnPrint:
    """A user's last turn as keyed digests: without the key nobody can look texts up or compute new ones.

    ``sketch`` is a 64-bit min-hash of the content words (16 buckets of 4 bits, 0 is empty). A small edit changes one or
    two buckets; in a short turn every other word shows.
    """

    exact: bytes
    """Of the turn's folded text, and of the steps after it: an agent's next request is another one."""
    sketch: int
    words: int
    """Distinct content words, at most 255; 0 when repeating the turn means nothing ("yes", "next one")."""
    history: bytes
    """Of everything before the turn."""
    previous: bytes | None
    """Of the assistant's text before the turn, as :func:`answer_digest` makes it; None if there is none."""


def turn_fingerprint(messages: Sequence[Message], key: bytes) -> TurnPrint | None:
    """Return the print of the last user turn, None when there is none or its text was not logged.

    Args:
        messages: the request's messages.
        key: 16 to 64 secret bytes; prints of different keys cannot be compared.

    Raises:
        ValueError: the key is too short or too long.

    >>> asked = turn_fingerprint([Message("user", "What is the capital of France?")], bytes(16))
    >>> again = turn_fingerprint([Message("user", "what is the capital of france, please")], bytes(16))
    >>> near_duplicate(asked, again)
    True
    """
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise ValueError(f"key must have {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes, got {len(key)}")
    place = next((at for at in range(len(messages) - 1, -1, -1) if messages[at].role == "user"), -1)
    if place < 0 or (turn := messages[place].text) is None:
        return None
    since = [part for message in messages[place + 1 :] for part in _parts(message)]
    found = () if since else content_words(turn)  # an agent's step after the user's turn is not the user's
    words = () if is_step(turn, found) else tuple(dict.fromkeys(found))[:_MOST_WORDS]
    said = next((message.text for message in reversed(messages[:place]) if message.role == "assistant"), None)
    return TurnPrint(
        exact=_digest([fold(_bounded(turn)).strip(), *since], key),
        sketch=_sketch(words, key),
        words=len(words),
        history=_digest([part for message in messages[:place] for part in _parts(message)], key),
        previous=None if said is None else answer_digest(said, key),
    )


def answer_digest(text: str, key: bytes) -> bytes:
    """Return the keyed digest of an answer's text, by which the next request's history is recognised.

    Surrounding space and a leading thought in ``<think>`` tags do not count: clients send answers back without them.
    """
    start, end = _THOUGHT
    text = text.lstrip()
    if text.startswith(start):
        text = text[text.find(end) + len(end) :] if end in text else ""
    return _digest([_bounded(text.strip())], key)


def near_duplicate(one: TurnPrint, other: TurnPrint) -> bool:
    """Tell whether two turns ask the same, small edits aside. Symmetric.

    Short turns (below 12 content words) must have the same words, or one more in five; longer ones may differ in a few.
    Turns that are steps ("next one") or have fewer than two content words never are.
    """
    fewer, more = sorted((one.words, other.words))
    if fewer < 2 or fewer < _KEPT * more:  # noqa: PLR2004 - one word is no question
        return False
    if one.exact == other.exact:
        return True
    agreeing = used = 0
    for at in range(0, _BUCKETS * _BUCKET_BITS, _BUCKET_BITS):
        left, right = one.sketch >> at & _VALUES, other.sketch >> at & _VALUES
        used += left > 0 or right > 0
        agreeing += left == right > 0
    if more < _LONG_WORDS:
        return used - agreeing <= more - fewer
    return agreeing >= _AGREEING * used


def _sketch(words: Sequence[str], key: bytes) -> int:
    """Return the smallest keyed hash of each bucket, cut to four bits.

    A digest a word would cost more than everything else here. A checksum with a secret start, spread by a secret
    factor, is enough where sixteen times four bits of it are kept: many texts share every sketch.
    """
    start, factor = _sketch_key(key)
    least: dict[int, int] = {}
    for word in words:
        value = crc32(word.encode("utf-8", "surrogatepass"), start) * factor & _SPREAD
        bucket = value >> _BUCKET_SHIFT
        if value < least.get(bucket, value + 1):
            least[bucket] = value
    return sum((1 + (value >> _VALUE_SHIFT) % _VALUES) << bucket * _BUCKET_BITS for bucket, value in least.items())


@lru_cache(maxsize=16)
def _sketch_key(key: bytes) -> tuple[int, int]:
    """Return the checksum's start, 32 bits, and the odd factor, 64 bits."""
    secret = blake2b(key=key, digest_size=12, person=b"turn-sketch").digest()
    return int.from_bytes(secret[:4], "big"), int.from_bytes(secret[4:], "big") | 1


def _parts(message: Message) -> tuple[str, ...]:
    calls = [part for call in message.tool_calls for part in (call.name, _bounded(call.arguments))]
    return message.role, "" if message.text is None else _bounded(message.text.strip()), *calls


def _bounded(text: str) -> str:
    return text if len(text) <= MAX_CHARS else f"{text[:MAX_CHARS]}{len(text)}"


def _digest(parts: Sequence[str], key: bytes) -> bytes:
    """Return one digest of the texts; each is preceded by its length, so that nothing moves between them."""
    state = blake2b(key=key, digest_size=_DIGEST_BYTES)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        state.update(len(raw).to_bytes(8, "big"))
        state.update(raw)
    return state.digest()
