"""What an answer's text is when it should be JSON: JSON itself, JSON a lenient client would dig out, or none."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import isinf
from typing import Any, Final

import msgspec

__all__ = ["Found", "Unparsed", "decode", "dug_out"]

_MAX_DUG_CHARS: Final = 1 << 16
"""In longer texts nothing is dug for: each try reads all of the text again."""
_FENCE: Final = "```"
_MAX_LANGUAGE_CHARS: Final = 20
_TRAILING: Final = re.compile(r"trailing characters \(byte (\d+)\)")
_ENDED: Final = "Input data was truncated"
_HALF_PAIR: Final = re.compile(r"\\u[dD][89abAB]\w\w(?!\\u[dD][c-fC-F]|\\?(?:u\w{0,4})?$)")
_OPENINGS: Final = ("{", "[")
_BRACKETS: Final = (("{", "}"), ("[", "]"))
_LONG: Final = 1 << 13
"""Texts from here on are decoded with Python's ``float``: the decoder's own takes 8 µs for one such as 1e300."""


def _finite(digits: str) -> float:
    value = float(digits)
    if isinf(value):
        raise ValueError("number out of range")
    return value


_decode = msgspec.json.Decoder().decode
_decode_long = msgspec.json.Decoder(float_hook=_finite).decode


@dataclass(frozen=True, slots=True)
class Unparsed:
    """A text that is not JSON: ``not_json``, ``truncated``, ``empty`` or ``too_deep``."""

    reason: str
    end: int | None = None
    """Where its first value ends, in bytes, if more follows."""


@dataclass(frozen=True, slots=True)
class Found:
    """JSON inside a text: ``fenced``, ``prefixed`` or ``trailing``."""

    reason: str
    value: Any
    certain: bool
    """Whether it cannot but be meant as the answer; brackets in prose may be anything."""


def decode(text: str) -> Any:
    """Return the value, or what the text is instead; one pass over the text.

    NaN, infinities, numbers beyond a double, lone surrogates and control characters inside strings are not JSON.
    """
    try:
        return _decode(text) if len(text) < _LONG else _decode_long(text)
    except RecursionError:
        return Unparsed("too_deep")
    except ValueError as error:
        return _unparsed(text, str(error))


def _unparsed(text: str, said: str) -> Unparsed:
    start = text.lstrip()[:1]
    if not start:
        return Unparsed("empty")
    if start not in _OPENINGS:
        return Unparsed("not_json")
    trailing = _TRAILING.search(said)
    # half a surrogate pair is reported as an end, too
    ended = said == _ENDED and not _HALF_PAIR.search(text)
    return Unparsed("truncated" if ended else "not_json", int(trailing[1]) - 1 if trailing else None)


def dug_out(text: str, unparsed: Unparsed) -> Iterator[Found | Unparsed]:
    """Yield what a lenient client would take for the answer, best first, or a fence whose JSON breaks off.

    At most five tries, each of at most ``_MAX_DUG_CHARS`` characters.
    """
    if len(text) > _MAX_DUG_CHARS:
        return
    if unparsed.end is not None:
        value = decode(text.encode("utf-8", "replace")[: unparsed.end].decode("utf-8", "replace"))
        if not isinstance(value, Unparsed):
            yield Found("trailing", value, certain=True)
    for content in _fenced(text):
        value = decode(content)
        if not isinstance(value, Unparsed):
            yield Found("fenced", value, certain=True)
        elif value.reason == "truncated":
            yield value
    for content in _bracketed(text):
        value = decode(content)
        if not isinstance(value, Unparsed):
            yield Found("prefixed", value, certain=isinstance(value, dict))


def _fenced(text: str) -> Iterator[str]:
    """Yield what stands between the first fence and the last, and between it and the next one."""
    start = text.find(_FENCE)
    if start < 0:
        return
    start += len(_FENCE)
    line_end = text.find("\n", start, start + _MAX_LANGUAGE_CHARS)
    if line_end >= 0:
        start = line_end + 1
    last, following = text.rfind(_FENCE, start), text.find(_FENCE, start)
    yield text[start:last] if last >= 0 else text[start:]
    if following != last:
        yield text[start:following]


def _bracketed(text: str) -> Iterator[str]:
    """Yield what stands between the first opening bracket and the last closing one, of both kinds."""
    pairs = [(text.find(opening), text.rfind(closing)) for opening, closing in _BRACKETS]
    for start, end in sorted(pairs):
        if 0 <= start < end:
            yield text[start : end + 1]
