"""Text made safe for Slack: it cannot ping, link or format, and it fits its limit.

Slack has no escape character. ``& < >`` become entities, which rules out ``<!channel>``, ``<@user>`` and
links. Signs that format (``* _ ~`` and backticks, a leading ``>``, emoji codes) become look-alikes, except an
underscore inside a word, which Slack leaves alone and which is common in names.
"""

import re
import unicodedata
from datetime import UTC, datetime
from urllib.parse import urlsplit

__all__ = ["clean", "code", "date", "escape", "link_url", "one_line", "utc_iso"]

ELLIPSIS = "…"

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_ASTRAL = 0xFFFF
_LOOKALIKES = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_LOOSE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_EMOJI_CODE = re.compile(r":(?!\d\d:)(?=[\w+'-]+:)")
_LEADING_QUOTE = re.compile(r"^[\s>]*>")
_URL_UNSAFE = {"<": "%3C", ">": "%3E", "|": "%7C", '"': "%22", "`": "%60", "*": "%2A", "~": "%7E"}


def one_line(text: str) -> str:
    """One line without control signs, direction overrides or broken code points."""
    kept = (_visible(sign) for sign in text if sign not in _BIDI)
    return " ".join("".join(kept).split())


def clean(text: str, limit: int) -> str:
    """Text for mrkdwn or for the plain fallback, at most ``limit`` long after escaping."""
    plain = one_line(text).translate(_LOOKALIKES)
    plain = _LOOSE_UNDERSCORE.sub("ˍ", plain)
    plain = _EMOJI_CODE.sub("∶", plain)
    return escape(_LEADING_QUOTE.sub("›", plain), limit)


def code(text: str, limit: int) -> str:
    """Text for the inside of a code span: only a backtick could end it."""
    return escape(one_line(text).replace("`", "ˋ"), limit)


def escape(line: str, limit: int) -> str:
    """Entities for ``& < >``; what does not fit ends with an ellipsis, at a word if one is near.

    Signs outside the basic plane count twice, as some of Slack's limits count them.
    """
    if sum(map(_width, line)) > limit:
        line = _cut(line, limit - len(ELLIPSIS)) + ELLIPSIS
    return "".join(_ENTITIES.get(sign, sign) for sign in line)


def link_url(url: str | None, limit: int) -> str | None:
    """A web address safe inside ``<address|text>`` and in a button, or None when it cannot be a link."""
    if url is None or any(sign.isspace() or not sign.isprintable() for sign in url):
        return None
    safe = "".join(_URL_UNSAFE.get(sign, sign) for sign in url)
    try:
        parts = urlsplit(safe)
    except ValueError:
        return None
    fits = len(safe) + 4 * safe.count("&") <= limit
    return safe if fits and parts.scheme in {"http", "https"} and parts.hostname else None


def date(at: datetime) -> str:
    """A time in the reader's own zone, with UTC for clients that cannot convert it."""
    return f"<!date^{int(_utc(at).timestamp())}^{{date_num}} {{time_secs}}|{utc_iso(at)}>"


def utc_iso(at: datetime) -> str:
    """``2026-11-21T07:10:00Z``, to the second."""
    return _utc(at).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _visible(sign: str) -> str:
    match unicodedata.category(sign):
        case "Cc":
            return " "
        case "Cs":
            return "\ufffd"
        case _:
            return sign


def _width(sign: str) -> int:
    return len(_ENTITIES.get(sign, sign)) + (ord(sign) > _ASTRAL)


def _cut(line: str, room: int) -> str:
    used = end = 0
    for sign in line:
        used += _width(sign)
        if used > room:
            break
        end += 1
    at_word = end if line[end].isspace() else line.rfind(" ", 0, end)
    return line[: at_word if at_word >= end // 2 else end].rstrip()
