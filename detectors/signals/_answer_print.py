"""A fingerprint of what an answer says in the end, so that two answers can be compared without their texts."""

import re
from hashlib import blake2b
from typing import Any, Final

import msgspec

from detectors.types import Answer, Exchange, ToolCall

__all__ = ["NO_ANSWER", "PRINT_BITS", "answer_print", "disagrees", "is_prose"]

PRINT_BITS: Final = 24
"""Every print is a whole number that a single-precision number holds exactly; two answers share one by chance in some
eight million."""
NO_ANSWER: Final = 0
"""The print of an attempt without an answer; it disagrees with nothing."""
SHORT_CHARS: Final = 240
"""An answer up to this length is compared as a whole, unless it ends in a final answer."""
MAX_JSON_CHARS: Final = 1 << 18
_TAIL: Final = 300
"""Characters at the end in which a final answer stands."""
_HEAD: Final = 12
_DIGEST_BYTES: Final = 3

_PROSE_BIT: Final = 1
_DELETED: Final = b" \t\r\n\x0b\x0c*_`#>~|\"'.,;:!?-"
"""White space, Markdown and the marks that wording varies."""
_LOWER: Final = bytes(code + 32 if 65 <= code <= 90 else code for code in range(256))  # noqa: PLR2004 - A to Z

_FENCED: Final = re.compile(r"\A\s{0,100}```[\w+-]{0,20}[ \t]{0,20}\n(.*?)\n?```\s{0,100}\Z", re.DOTALL)
_INTEGRAL: Final = re.compile(rb"(?<=[:\[,])(-?\d{1,20})\.0(?=[,\]}])")
_BOXED: Final = re.compile(r"\\boxed\{([^{}]{1,120}(?:\{[^{}]{0,60}\}[^{}]{0,60}){0,4})\}")
_HASHES: Final = re.compile(r"(?m)^####[ \t]{1,4}([^\n]{1,160})$")
_SIGNS: Final = ("answer", "result", "choice", "option")
_SIGNS_ELSEWHERE: Final = (
    *_SIGNS,
    "antwort",
    "ergebnis",
    "lösung",
    "réponse",
    "résultat",
    "respuesta",
    "resultado",
    "resposta",
    "risposta",
    "risultato",
    "ответ",
    "результат",
    "答案",
    "答え",
    "정답",
    "답",
)
"""Words that announce a final answer; one outside English is looked for in a text that is not ASCII."""
_ANNOUNCED: Final = re.compile(
    r"(?: (?:is|would be|ist|lautet|est|es|é|è)\b|是|为|為|は|은)?"
    r"(?:[*_ \t]{0,4}[:：=][*_ \t]{0,4}|[*_ \t]{1,4}(?=[\d(\"*$-]))\s{0,4}([^\n]{1,160})"
)
_CHOICE: Final = re.compile(r"\s{0,9}[*_(\[]{0,4}([A-Ha-h])[*_)\].:]{1,4}(?=\s|$)")
_NUMBER: Final = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3}){1,6}|\d{1,18})(?:\.\d{1,18})?")


def answer_print(exchange: Exchange) -> int | None:
    """Return the print of the final answer, ``NO_ANSWER`` for none, or None when it was not logged.

    JSON is compared whatever its key order, spacing and spelling of numbers; tool calls by name and arguments in any
    order; a text by its final answer if it states one ("Answer: x", a boxed value, "#### x", an option's letter), and
    else as a whole without case, white space, Markdown and punctuation. The lowest bit tells open prose: a text of more
    than 240 characters that states no final answer.
    """
    answer = exchange.answer
    if exchange.outcome.failed or answer is None:
        return NO_ANSWER if exchange.outcome.failed else None
    if answer.tool_calls:
        return _print(b"c", b"\x00".join(sorted(map(_call, answer.tool_calls))))
    if answer.refusal:
        return _print(b"r", b"")
    return None if answer.text is None else _print_text(answer)


def disagrees(one: int, other: int, *, prose: bool = False) -> bool:
    """Return whether two legs of one request ended in different answers: the pair's bit.

    Two answers of open prose are worded differently as a matter of course and agree, unless ``prose`` is set.

    >>> disagrees(0, 4), disagrees(4, 6), disagrees(3, 5), disagrees(3, 5, prose=True), disagrees(3, 4)
    (False, True, False, True, True)
    """
    if NO_ANSWER in {one, other}:
        return False
    return one != other and (prose or not (is_prose(one) and is_prose(other)))


def is_prose(found: int) -> bool:
    """Return whether a print is one of open prose, which states no final answer."""
    return found & _PROSE_BIT == _PROSE_BIT


def _print(kind: bytes, content: bytes, *, prose: bool = False) -> int:
    digest = blake2b(kind + content, digest_size=_DIGEST_BYTES).digest()
    found = int.from_bytes(digest, "little") >> (8 * _DIGEST_BYTES - PRINT_BITS)
    return found | _PROSE_BIT if prose else found & ~_PROSE_BIT or 2


def _print_text(answer: Answer) -> int:
    text = answer.text or ""
    if text[:7] == "<think>":
        text = text[text.rfind("</think>") + 8 :] if "</think>" in text else ""
    structured = _structured(text)
    if structured is not None:
        return _print(b"j", structured)
    final = _final(text)
    if final is not None:
        return _print(b"t", _folded(_number(final)))
    short = len(text) <= SHORT_CHARS
    return _print(b"t", _folded(_number(text) if short else text), prose=not short)


def _structured(text: str) -> bytes | None:
    """Return JSON in one spelling, or None if the text is something else."""
    start = text[:_HEAD].lstrip()[:1]
    if start == "`":
        fenced = _FENCED.match(text[:MAX_JSON_CHARS])
        text = fenced[1] if fenced else text
        start = text[:_HEAD].lstrip()[:1]
    return _canonical(text) if start in {"{", "["} else None


def _canonical(text: str) -> bytes | None:
    if len(text) > MAX_JSON_CHARS:
        return None
    try:
        value: Any = msgspec.json.decode(text)
        return _INTEGRAL.sub(rb"\1", msgspec.json.encode(value, order="deterministic"))
    except (RecursionError, ValueError):  # no JSON, too deep, lone surrogates
        return None


def _call(call: ToolCall) -> bytes:
    arguments = _canonical(call.arguments or "{}")
    return _bytes(call.name) + b"\x01" + (_folded(call.arguments) if arguments is None else arguments)


def _final(text: str) -> str | None:
    """Return the final answer that a text states: what stands in a box, after "Answer:", or an option's letter."""
    tail = text[-_TAIL:]
    found: str | None = None
    if "\\boxed{" in tail and (boxed := _BOXED.findall(tail)):
        found = boxed[-1]
    elif "####" in tail and (hashes := _HASHES.findall(tail)):
        found = hashes[-1]
    elif not tail.isascii():
        found = _announced(tail, _SIGNS_ELSEWHERE)
    elif "nswer" in tail or "esult" in tail or "hoice" in tail or "ption" in tail or "ANSWER" in tail:
        found = _announced(tail, _SIGNS)
    if found is None and len(text) <= SHORT_CHARS:
        choice = _CHOICE.match(text)
        return choice[1] if choice else None
    if found is None:
        return None
    choice = _CHOICE.match(found)
    return choice[1] if choice else found


def _announced(tail: str, signs: tuple[str, ...]) -> str | None:
    """Return what stands after the last word that announces an answer."""
    folded = tail.lower()
    if len(folded) != len(tail):  # a letter whose small form is longer: places would not match
        return None
    last = max((folded.rfind(sign) + len(sign) for sign in signs if sign in folded), default=-1)
    found = _ANNOUNCED.match(tail, last) if last >= 0 else None
    return found[1] if found else None


def _number(text: str) -> str:
    """Return a text that is a number in its plainest spelling, any other as it is."""
    bare = text.strip(" \t\n\r*_$.`\\(){}[]")
    if not _NUMBER.fullmatch(bare):
        return text
    whole, _, part = bare.replace(",", "").lstrip("+").partition(".")
    part = part.rstrip("0")
    sign = "minus" if whole.startswith("-") else ""
    digits = whole.lstrip("-").lstrip("0") or "0"
    return f"{sign}{digits}point{part}" if part else f"{sign}{digits}"


def _folded(text: str) -> bytes:
    """Return a text without case, white space, Markdown and punctuation."""
    if not text.isascii():
        text = text.casefold()
    return _bytes(text).translate(_LOWER, _DELETED)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
