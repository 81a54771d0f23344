"""Turns of conversations at ingest: what is kept of a request so that what the user did next can be found. Pure."""

import hashlib
from collections.abc import Sequence
from typing import Final

from detectors.turns import answer_digest, turn_fingerprint
from detectors.types import Exchange
from monitor.models.event import Event, Leg
from monitor.models.turn import Turn

__all__ = ["turn_key", "turn_of"]

_KEY_BYTES: Final = 32
_NO_KEY: Final = b"fullback:turns:without-a-key"


def turn_key(keys: Sequence[bytes]) -> bytes:
    """Return the key of the turns' digests, from the key of the subjects' hashes that is in use.

    Digests of different keys match nothing: after a change of key, reactions to earlier answers are not found.
    """
    secret = hashlib.sha256(keys[0] if keys else _NO_KEY).digest()
    return hashlib.blake2b(key=secret, digest_size=_KEY_BYTES, person=b"fullback-turns").digest()


def turn_of(event: Event, exchange: Exchange, leg: Leg, key: bytes) -> bytes | None:
    """Return what is stored of an event's turn, or None when no later request can be matched with it.

    That is so on a shadow leg, to whose answer nobody reacts; without a session id or a subject, since nobody knows
    whose turn it was; and when the user's last turn was not logged.
    """
    if leg is not Leg.PRIMARY or exchange.request is None or (event.session_id is None and event.subject is None):
        return None
    asked = turn_fingerprint(exchange.request.messages, key)
    if asked is None:
        return None
    text = None if exchange.answer is None else exchange.answer.text
    return Turn(asked, None if text is None else answer_digest(text, key)).packed()
