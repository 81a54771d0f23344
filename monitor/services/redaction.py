"""Redaction: what a route's rules find in a text is replaced before the text is kept. Pure, and bounded in time.

Every pattern runs on RE2, whose search is linear in the text; see ADR 12. Where a pattern finds much, it may still look
at the same text again and again: so each event has an allowance of finds, and of bytes that the patterns of a route's
own look at. A text that is left when it is used up is withheld whole: what cannot be redacted is not kept.
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any, Final

import msgspec
import re2

from monitor.models.text import BUILT_IN_RULES, RedactionRule

__all__ = ["PatternError", "Redactor", "check_pattern", "redactor"]

ALLOWANCE: Final = 32 * 1024 * 1024
"""Bytes that the patterns of a route's own may look at in one event."""
MOST_FINDS: Final = 20_000
"""Finds of all patterns in one event."""
LARGEST_PROGRAM: Final = 2_000
"""Instructions of a compiled pattern of a route's own."""
SMALLEST_NUMBER: Final = 100_000
"""Integers from here on are read as text too: a card number need not be a string."""
MAX_DEPTH: Final = 200

_LOCAL = r"[\pL\pN\pM.!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[\pL\pN\pM_-]+"
_EMAIL = rf'(?:"[^"\x00\n]{{1,64}}"|{_LOCAL})(?:@|＠|%40|\\u0040)(?:{_LABEL}\.)+[\pL\pN\pM-]{{2,}}'
_KEY = "|".join(  # noqa: FLY002 - one pattern a line
    (
        r"\b(?:sk|pk|rk|ak)-[A-Za-z0-9_-]{16,}",
        r"\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,}",
        r"\b(?:gh[pousr]|github_pat|hf|npm|fbk|gsk|dop_v1|r8)_[A-Za-z0-9_]{16,}",
        r"\b(?:glpat|xox[abeprs]|xai|ya29|pypi)[-.][A-Za-z0-9_-]{10,}",
        r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        r"\bAIza[0-9A-Za-z_-]{30,}",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        r"(?i:\bbearer )[A-Za-z0-9._~+/=-]{16,}",
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s\\]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
    )
)
_CARD = (
    r"\b(?:\d{13,19}|\d{4}[ .-]\d{4}[ .-]\d{4}[ .-]\d{1,4}(?:[ .-]\d{1,3})?|\d{4}[ .-]\d{6}[ .-]\d{4,5})\b"  # then Luhn
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|\d?\d)"
_IP = rf"\b(?:{_OCTET}\.){{3}}{_OCTET}\b|[0-9A-Fa-f]{{0,4}}(?::[0-9A-Fa-f]{{0,4}}){{2,7}}"
_PHONE = "|".join(  # noqa: FLY002 - one pattern a line
    (
        r"(?:\+|\b00)\d(?:[ ./()-]{0,2}\d){7,14}",
        r"(?:\(\d{3}\) ?|\b\d{3}[ .-])\d{3}[ .-]\d{4}\b",
        r"\b0\d{1,4}[ /]\d{2,5}(?:[ -]?\d{2,5}){1,3}\b",
    )
)
_PATTERNS: Final = {"email": _EMAIL, "key": _KEY, "card": _CARD, "ip": _IP, "phone": _PHONE}


class PatternError(ValueError):
    """A pattern cannot be used; the message names the rule."""


class _AllowanceUsedError(Exception):
    """The patterns looked at too much text."""


@dataclass(slots=True)
class _Allowance:
    bytes: int = ALLOWANCE
    finds: int = MOST_FINDS

    def look(self, size: int) -> None:
        self.bytes -= size
        if self.bytes < 0:
            raise _AllowanceUsedError

    def find(self) -> None:
        self.finds -= 1
        if self.finds < 0:
            raise _AllowanceUsedError


def check_pattern(rule: RedactionRule) -> None:
    """Check that a rule's pattern can be used.

    Raises:
        PatternError: RE2 does not take it, it matches the empty text, or it is too large.
    """
    _own(rule)


@lru_cache(maxsize=256)
def redactor(rules: tuple[str | RedactionRule, ...]) -> "Redactor":
    """Return the redactor of a route's rules; it is compiled once."""
    return Redactor(rules)


class Redactor:
    """Applies rules: the built-in ones first, in their own order, then the route's as they are listed."""

    def __init__(self, rules: tuple[str | RedactionRule, ...]) -> None:
        chosen = [name for name in BUILT_IN_RULES if name in rules]
        self._built_in = [(_compile(_PATTERNS[name]), f"[{name}]".encode(), _CHECKS.get(name)) for name in chosen]
        self._own = [(_own(rule), rule) for rule in rules if isinstance(rule, RedactionRule)]
        self._any = _compile("|".join(f"(?:{_PATTERNS[name]})" for name in chosen)) if chosen else None

    def clean(self, document: Any) -> Any:
        """Return a JSON document with every rule applied to each of its strings, keys and large integers.

        NUL characters are taken out first: nothing can hide behind one. A document that holds nothing to
        redact is returned as it is.
        """
        if not self._own and self._nothing_in(document):
            return document
        return self._cleaned(document, _Allowance(), 0)

    def text(self, text: str) -> str:
        """Return a text with every rule applied."""
        return self._text(text, _Allowance())

    def _nothing_in(self, document: Any) -> bool:
        """Tell by one search over all strings, set apart by NUL, that no built-in rule could match one of them."""
        if self._any is None:
            return rb"\u0000" not in msgspec.json.encode(document)
        strings = _strings(document)
        joined = "\0".join(strings)
        if joined.count("\0") >= max(len(strings), 1):
            return False
        return self._any.search(_encoded(joined)) is None

    def _cleaned(self, value: Any, allowance: _Allowance, depth: int) -> Any:
        if depth > MAX_DEPTH:
            return "[withheld: nested too deeply]"
        if isinstance(value, str):
            return self._text(value, allowance)
        if isinstance(value, dict):
            cleaned: dict[str, Any] = {}
            for key, item in value.items():
                cleaned[_free(self._text(key, allowance), cleaned)] = self._cleaned(item, allowance, depth + 1)
            return cleaned
        if isinstance(value, list):
            return [self._cleaned(item, allowance, depth + 1) for item in value]
        if _is_large(value):
            found = self._text(str(value), allowance)
            return value if found == str(value) else found
        return value

    def _text(self, text: str, allowance: _Allowance) -> str:
        raw = _encoded(text).replace(b"\0", b"")
        try:
            if self._any is not None and self._any.search(raw) is not None:
                for pattern, replacement, check in self._built_in:
                    raw = _replaced(pattern, raw, replacement, check, allowance)
            for pattern, rule in self._own:
                raw = _replaced_within(pattern, raw, rule.replacement.encode(), allowance)
        except _AllowanceUsedError:
            return "[withheld: too much to redact]"
        return raw.decode("utf-8", "replace")


def _replaced(
    pattern: Any, raw: bytes, replacement: bytes, check: Callable[[bytes], int] | None, allowance: _Allowance
) -> bytes:
    """Replace what a built-in pattern finds; a check that is not content says how far on the next may begin."""
    pieces: list[bytes] = []
    kept_to = at = 0
    while (found := pattern.search(raw, at)) is not None:
        allowance.find()
        start, end = found.span()
        skip = 0 if check is None else check(raw[start:end])
        at = start + skip if skip else end
        if not skip:
            pieces += (raw[kept_to:start], replacement)
            kept_to = end
    return b"".join((*pieces, raw[kept_to:])) if pieces else raw


def _replaced_within(pattern: Any, raw: bytes, replacement: bytes, allowance: _Allowance) -> bytes:
    """Replace what a pattern of a route's own finds."""
    pieces: list[bytes] = []
    at = 0
    while True:
        allowance.look(len(raw) - at)
        found = pattern.search(raw, at)
        if found is None:
            break
        allowance.find()
        start, end = found.span()
        end = max(end, start + 1) if start < len(raw) else end  # an empty find must not stop the rest
        if start == end:
            break
        pieces += (raw[at:start], replacement)
        at = end
    return b"".join((*pieces, raw[at:])) if pieces else raw


def _strings(document: Any) -> list[str]:
    """Return every string, key and large integer of a document."""
    found: list[str] = []
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            found.extend(value)
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif _is_large(value):
            found.append(str(value))
    return found


def _is_large(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) >= SMALLEST_NUMBER


def _free(key: str, taken: Mapping[str, Any]) -> str:
    """Return the key, numbered if redaction made it equal to another."""
    if key not in taken:
        return key
    return next(name for number in count(len(taken)) if (name := f"{key} {number}") not in taken)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _options(max_mem: int) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = max_mem
    return options


def _compile(pattern: str) -> Any:
    return re2.compile(pattern.encode(), _options(32 * 1024 * 1024))


@lru_cache(maxsize=512)
def _own(rule: RedactionRule) -> Any:
    try:
        pattern = re2.compile(rule.pattern.encode(), _options(8 * 1024 * 1024))
    except (re2.error, UnicodeError) as error:
        told = error.args[0] if error.args and isinstance(error, re2.error) else "not text"
        said = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
        raise PatternError(
            f"redact rule {rule.name!r}: RE2 refuses the pattern ({said}); look-around and back-references "
            "are not served"
        ) from None
    if any((found := pattern.search(sample)) and not found.group() for sample in (b"", b"a b")):
        raise PatternError(f"redact rule {rule.name!r}: pattern matches the empty text; ask for a character")
    if pattern.programsize > LARGEST_PROGRAM:
        raise PatternError(
            f"redact rule {rule.name!r}: pattern compiles to {pattern.programsize} steps, the most is "
            f"{LARGEST_PROGRAM}; repeat less"
        )
    return pattern


def _not_a_card(found: bytes) -> int:
    """Return 0 if digits are a card number by their Luhn sum, else the length of their first group."""
    digits = [byte - ord("0") for byte in reversed(found) if ord("0") <= byte <= ord("9")]
    doubled = (2 * digit - 9 * (digit > 4) for digit in digits[1::2])  # noqa: PLR2004 - above it, 2·digit has two
    if any(digits) and (sum(digits[::2]) + sum(doubled)) % 10 == 0:
        return 0
    return next((at for at, byte in enumerate(found) if byte in b" .-"), len(found))


def _not_an_address(found: bytes) -> int:
    """Return 0 if it is an address, else the length of what is a time of day or a qualified name."""
    if b":" not in found:
        return 0
    try:
        ipaddress.ip_address(found.decode())
    except ValueError:
        return len(found)
    return 0 if any(ord("0") <= byte <= ord("9") for byte in found) else len(found)


_CHECKS: Final[Mapping[str, Callable[[bytes], int]]] = {"card": _not_a_card, "ip": _not_an_address}
"""What a pattern alone cannot tell: 0, or how many bytes on the next search begins."""
