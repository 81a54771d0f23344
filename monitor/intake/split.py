"""A decoded body to its records: arrays, objects, lines and objects glued together, in linear time.

A record is measured by the decoder: it stops with the place where the next one begins. What it cannot read
is passed over by its brackets or, failing that, by its line, so that a bad record never takes its
neighbours along. Every look at bytes that yields nothing is paid from an allowance in proportion to the
body; when it is used up, only whole lines are told apart.
"""

import re
from typing import Final

import msgspec

from monitor.errors import PayloadTooLargeError, UndecodableError
from monitor.intake.codes import Code
from monitor.intake.limits import Limits
from monitor.models.event import Rejection

__all__ = ["split"]

GAP: Final = re.compile(rb"(?:[ \t\r\n\x1e]++|\xef\xbb\xbf)*+")
GAP_OR_COMMA: Final = re.compile(rb"(?:[ \t\r\n,]++|\xef\xbb\xbf)*+")
TOKEN: Final = re.compile(rb'"(?:[^"\\\r\n]++|\\.)*+"|["{}\[\]]')
SCALAR_END: Final = re.compile(rb"[,\]\r\n]")
NEXT_RECORD: Final = re.compile(rb"\n[ \t]*+(?=[{\[])")
FLUSH_OBJECT: Final = re.compile(rb"\n(?=\{)")
"""An object that is not indented is hardly a part of the one before."""
WRAPPED: Final = re.compile(rb'\{\s*+"(?:data|events|records)"\s*+:\s*+(?=\[)')
SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
OFFSET: Final = re.compile(r"\(byte (\d+)\)$")
TRAILING: Final = "JSON is malformed: trailing characters"
TOO_DEEP: Final = "too deep"
TRUNCATED: Final = "Input data was truncated"
TOKEN_PRICE: Final = 32
"""A bracket or string that is passed over takes about as long as this many decoded bytes."""


class _Wrapper(msgspec.Struct):
    """An object that may be the envelope of a list of records."""

    request_id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    events: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    records: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


ANY_VALUE: Final = msgspec.json.Decoder(msgspec.Raw)
LINES: Final = msgspec.json.Decoder(msgspec.Raw)
ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
WRAPPER_NAMES: Final = (b'"data"', b'"events"', b'"records"')
WRAPPER: Final = msgspec.json.Decoder(_Wrapper)


def split(body: bytes, limits: Limits) -> list[bytes | Rejection]:
    """Return each record's own bytes, in order; a Rejection stands where something was no record.

    Takes a JSON array, one object, objects on lines or glued together, and the wrappers ``{"data": [..]}``,
    ``{"events": [..]}`` and ``{"records": [..]}`` without a ``request_id``. Items that are null are left out.

    Raises:
        PayloadTooLargeError: there are more than ``max_batch_records`` records.
        UndecodableError: the body is empty or nothing in it could be decoded.
    """
    plain = _plain(body, limits)
    if plain is not None:
        return plain
    splitter = _Splitter(body, limits)
    splitter.sequence()
    if not splitter.decodable:
        raise UndecodableError(
            "The body is empty: send at least one event."
            if GAP.fullmatch(body)
            else "Nothing in the body is JSON: send a JSON array, or one JSON object per line."
        )
    return splitter.records


def _plain(body: bytes, limits: Limits) -> list[bytes | Rejection] | None:
    """Return the records of a body that is nothing but objects, one a line or in one array; None for any other."""
    if any(name in body for name in WRAPPER_NAMES):
        return None
    try:
        values = LINES.decode_lines(body) if body.startswith(b"{") else ARRAY.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    records = [bytes(value) for value in values]
    if not records or not all(record[:1] == b"{" and len(record) <= limits.max_record_bytes for record in records):
        return None
    if len(records) > limits.max_batch_records:
        raise _too_many(limits)
    return list[bytes | Rejection](records)


class _Splitter:
    """One pass over one body."""

    def __init__(self, body: bytes, limits: Limits) -> None:
        self.body = body
        self.view = memoryview(body)
        self.limits = limits
        self.records: list[bytes | Rejection] = []
        self.decodable = False
        self.line = (0, -1)
        self.allowance = 4 * len(body) + 65_536

    def sequence(self) -> None:
        """Read values until the end of the body."""
        at = 0
        while (at := _skip(GAP, self.body, at)) < len(self.body):
            at = self._array(at + 1) if self.body[at] == ord("[") else self._value(at)

    def _value(self, at: int) -> int:
        """Read one value of the sequence; return where the next may begin."""
        line = self._line_end(at)
        end, why = self._extent(at, line)
        if end is None and why == TRUNCATED and line < len(self.body) and self.allowance > 0:
            end = self._measure(at, len(self.body))[0]
            self.allowance -= 0 if end else len(self.body) - at
        if end is not None and (self.body[at] == ord("{") or _skip(GAP, self.body, end) >= line):
            if not self._unwrap(at, end):
                self._keep(at, end)
            return end
        if wrapped := WRAPPED.match(self.body, at):
            return self._past_brace(self._array(wrapped.end() + 1))
        if why == TOO_DEEP:
            self._reject(Code.TOO_DEEP, "The record is nested too deeply: flatten it.", line - at)
        else:
            detail = "The line is not JSON: send one JSON object per line."
            self._reject(Code.MALFORMED_JSON, detail, line - at)
        return self._next_record(line) if why == TRUNCATED else line + 1

    def _array(self, at: int) -> int:
        """Read the elements of an array whose bracket was passed; return where the next value may begin."""
        while (at := _skip(GAP_OR_COMMA, self.body, at)) < len(self.body):
            if self.body[at] == ord("]"):
                self.decodable = True
                return at + 1
            end, why = self._extent(at, len(self.body) if self.allowance > 0 else self._line_end(at))
            if end is not None:
                self._keep(at, end)
                at = end
                continue
            after = self._next_record(self._line_end(at), FLUSH_OBJECT if why == TRUNCATED else NEXT_RECORD)
            if why == TOO_DEEP:
                self._reject(Code.TOO_DEEP, "An element is nested too deeply: flatten it.", after - at)
            else:
                detail = "The array is cut off" if why == TRUNCATED else "An element is not JSON"
                self._reject(Code.MALFORMED_JSON, f"{detail}: send whole JSON values.", after - at)
            if after == len(self.body):
                return after
            at = after
        self._reject(Code.MALFORMED_JSON, "The array is not closed: send whole JSON values.", 0)
        return at

    def _extent(self, at: int, limit: int) -> tuple[int | None, str]:
        """Return where the value at ``at`` ends, by the decoder or else by its brackets, or None and why."""
        end, why = self._measure(at, limit)
        if end is not None:
            return end, ""
        end = self._balanced(at, limit)
        if end is None or FLUSH_OBJECT.search(self.body, at, end):
            end = None
            self.allowance -= limit - at
        elif SURROGATE.search(self.body, at, end):
            self.decodable = True  # a cut emoji is not JSON to the decoder: the dialect mends it
        return end, why

    def _measure(self, at: int, limit: int) -> tuple[int | None, str]:
        """Return where the value at ``at`` ends, or None and the decoder's reason."""
        try:
            ANY_VALUE.decode(self.view[at:limit])
        except msgspec.DecodeError as error:
            why = str(error)
        except RecursionError:
            self.decodable = True
            return None, TOO_DEEP
        else:
            self.decodable = True
            return limit, ""
        place = OFFSET.search(why)
        size = int(place[1]) - 1 if place else limit - at
        if why.startswith(TRAILING):
            self.decodable |= self.body[at] in b"{["
            return at + size, ""
        return None, TRUNCATED if why == TRUNCATED else "malformed"

    def _balanced(self, at: int, limit: int) -> int | None:
        """Return where the brackets opened at ``at`` are closed, for values the decoder does not take."""
        limit = min(limit, at + self.limits.max_record_bytes, at + max(0, self.allowance))
        if self.body[at] not in b"{[":
            stop = SCALAR_END.search(self.body, at, limit)
            return stop.start() if stop and stop.start() > at else None
        depth = count = 0
        end = None
        for count, token in enumerate(TOKEN.finditer(self.body, at, limit), 1):
            mark = self.body[token.start()]
            if mark in b"{[":
                depth += 1
            elif mark in b"}]":
                depth -= 1
            if depth == 0 or token.group() == b'"' or count * TOKEN_PRICE > self.allowance:
                end = token.end() if depth == 0 else None
                break
        self.allowance -= count * TOKEN_PRICE + (end or limit) - at
        return end

    def _unwrap(self, at: int, end: int) -> bool:
        """Read the records of a wrapper; return whether the object was one."""
        if not any(self.body.find(name, at, end) >= 0 for name in WRAPPER_NAMES):
            return False
        try:
            wrapper = WRAPPER.decode(self.view[at:end])
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            wrapped = WRAPPED.match(self.body, at, end)
            if not wrapped:
                return False
            inner = self.body[wrapped.end() : end - 1]
        else:
            lists = _arrays(wrapper)
            if not lists or wrapper.request_id is not msgspec.UNSET:
                return False
            inner = lists[0]
        nested = _Splitter(inner, self.limits)
        nested.records, nested.allowance = self.records, self.allowance
        nested.sequence()
        self.allowance = nested.allowance
        self.decodable |= nested.decodable
        return True

    def _keep(self, at: int, end: int) -> None:
        record = self.body[at:end].rstrip() if end - at <= self.limits.max_record_bytes + 64 else None
        if record == b"null":
            return
        if record is None or len(record) > self.limits.max_record_bytes:
            self.decodable = True
            detail = f"The record is over the limit of {self.limits.max_record_bytes} bytes: shorten its bodies."
            self._reject(Code.RECORD_TOO_LARGE, detail, end - at)
        else:
            self._append(record)

    def _reject(self, code: Code, detail: str, size: int) -> None:
        self._append(Rejection(len(self.records), code.value, detail, size=size))

    def _append(self, record: bytes | Rejection) -> None:
        if len(self.records) >= self.limits.max_batch_records:
            raise _too_many(self.limits)
        self.records.append(record)

    def _line_end(self, at: int) -> int:
        """Return where the line of ``at`` ends; kept, as many values may stand on one line."""
        if not self.line[0] <= at <= self.line[1]:
            end = self.body.find(b"\n", at)
            self.line = at, len(self.body) if end < 0 else end
        return self.line[1]

    def _next_record(self, line_end: int, begin: re.Pattern[bytes] = NEXT_RECORD) -> int:
        """Return where the next line that begins with a record begins."""
        found = begin.search(self.body, line_end)
        return found.end() if found else len(self.body)

    def _past_brace(self, at: int) -> int:
        """Return the place after the brace that closes a wrapper."""
        at = _skip(GAP, self.body, at)
        return at + 1 if self.body[at : at + 1] == b"}" else at


def _skip(gap: re.Pattern[bytes], body: bytes, at: int) -> int:
    found = gap.match(body, at)
    return found.end() if found else at


def _too_many(limits: Limits) -> PayloadTooLargeError:
    return PayloadTooLargeError(f"The body has more than {limits.max_batch_records} records: send smaller batches.")


def _arrays(wrapper: _Wrapper) -> list[bytes]:
    raws = (wrapper.data, wrapper.events, wrapper.records)
    held = [bytes(raw).lstrip() for raw in raws if isinstance(raw, msgspec.Raw)]
    return [raw for raw in held if raw.startswith(b"[")]
