"""A request body as sent to the bytes it stands for, never more of them than the limit."""

import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Protocol

import zstandard

from monitor.errors import PayloadTooLargeError, UndecodableError, UnsupportedEncodingError
from monitor.intake.limits import Limits

__all__ = ["decompress"]

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
CODINGS = {
    "gzip": "gzip",
    "x-gzip": "gzip",
    "deflate": "deflate",
    "zlib": "deflate",
    "zstd": "zstd",
}
MAX_CODINGS = 2
"""Layers of compression that are undone."""
MAX_MEMBERS = 10_000
"""Concatenated gzip members or zstd frames that are read."""
MAX_ZSTD_WINDOW = 8 * 1024 * 1024
"""The window every zstd decoder must support (RFC 8878); a frame can ask for gigabytes."""

DEFLATE_RATIO = 1_032
"""Most output bytes of one deflate input byte."""
ZSTD_RATIO = 32_768
"""Most output bytes of one zstd input byte: a block of 128 KiB in 4 bytes."""
MAX_STEP = 65_536
MIN_STEP = 16


class _Decoder(Protocol):
    """What zlib's and zstandard's decompression objects share."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, part: bytes, /) -> bytes: ...


def decompress(body: bytes, content_encoding: str | None, limits: Limits) -> bytes:
    """Undo the Content-Encoding of a body.

    The body's first bytes are believed over the header: compressed bytes without a header are decompressed,
    plain JSON with one is returned as it is.

    Raises:
        PayloadTooLargeError: the body is over ``max_body_bytes``, or over ``max_decoded_bytes`` decompressed.
        UndecodableError: the compressed stream is broken or cut off.
        UnsupportedEncodingError: the encoding is not identity, gzip, deflate (zlib) or zstd.
    """
    if len(body) > limits.max_body_bytes:
        raise PayloadTooLargeError(
            f"The body has {len(body)} bytes, the limit is {limits.max_body_bytes}: send smaller batches."
        )
    named = _codings(content_encoding)
    for coding in reversed(named or ["identity"]):
        body = _undo(body, coding, limits)
    if len(body) > limits.max_decoded_bytes:
        raise _too_large(limits)
    return body


def _codings(content_encoding: str | None) -> list[str]:
    """Return the codings of the header in the order they were applied, without identity."""
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    names = [name for name in names if name not in {"", "identity", "none"}]
    if len(names) > MAX_CODINGS or not all(name in CODINGS for name in names):
        raise UnsupportedEncodingError(
            "The Content-Encoding is not supported: send identity, gzip, deflate (zlib) or zstd.",
            supported=["identity", "gzip", "deflate", "zstd"],
        )
    return [CODINGS[name] for name in names]


def _undo(body: bytes, coding: str, limits: Limits) -> bytes:
    """Undo one layer, by the magic bytes first and by the header's word second."""
    if body.startswith(GZIP_MAGIC):
        return _expand(body, lambda: zlib.decompressobj(31), DEFLATE_RATIO, limits)
    if body.startswith(ZSTD_MAGIC):
        return _expand(body, _zstd, ZSTD_RATIO, limits)
    if _is_zlib(body):
        return _expand(body, zlib.decompressobj, DEFLATE_RATIO, limits)
    if coding == "identity" or _looks_like_text(body):
        return body
    if coding == "deflate":
        return _expand(body, lambda: zlib.decompressobj(-15), DEFLATE_RATIO, limits)
    raise UndecodableError(
        f"The Content-Encoding says {coding} and the body is not {coding}: check the shipper's compression."
    )


def _zstd() -> _Decoder:
    return zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW).decompressobj()


def _is_zlib(body: bytes) -> bool:
    """Tell a zlib header: method 8, window of at most 32 KiB, check bits."""
    return len(body) > 1 and body[0] & 0x0F == 8 and body[0] >> 4 <= 7 and (body[0] << 8 | body[1]) % 31 == 0  # noqa: PLR2004


def _looks_like_text(body: bytes) -> bool:
    """Tell JSON that was labelled as compressed."""
    start = body[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    return not body or start[:1] in {b"{", b"["}


def _expand(body: bytes, new: Callable[[], _Decoder], ratio: int, limits: Limits) -> bytes:
    """Decompress every member of a body.

    The input is fed in steps so small that what one step can expand to still fits in the limit. Steps
    also keep the copies of what follows a member short, so that many small members take linear time.
    """
    out = BytesIO()
    decoder, members, at, started = new(), 1, 0, False
    try:
        while at < len(body):
            room = limits.max_decoded_bytes - out.tell()
            part = body[at : at + max(MIN_STEP, min(MAX_STEP, room // ratio, 4096 if members > 1 else MAX_STEP))]
            out.write(decoder.decompress(part))
            if out.tell() > limits.max_decoded_bytes:
                raise _too_large(limits)
            at += len(part)
            started = True
            if decoder.eof:
                at -= len(decoder.unused_data)
                if not body[at : at + 4096].strip(b"\0"):
                    return out.getvalue()
                decoder, members, started = new(), members + 1, False
                if members > MAX_MEMBERS:
                    raise PayloadTooLargeError(f"The body has more than {MAX_MEMBERS} compressed members: join them.")
    except (zlib.error, zstandard.ZstdError) as error:
        raise UndecodableError("The compressed body is broken: check the shipper's compression.") from error
    if started:
        raise UndecodableError("The compressed body is cut off: send it again whole.")
    return out.getvalue()


def _too_large(limits: Limits) -> PayloadTooLargeError:
    return PayloadTooLargeError(
        f"The body has more than {limits.max_decoded_bytes} bytes after decompression: send smaller batches."
    )
