"""Signed requests to a receiver that somebody wrote for Fullback."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from monitor.clock import Clock
from monitor.errors import RoutingError
from monitor.routing.bounded_http import Answer, Question, ask, checked_url, shown_url
from monitor.routing.webhook_signing import BearerToken, SigningSecrets, signed_headers

__all__ = ["HookClient", "flag", "seconds"]

_LONGEST_S = 60.0


class HookClient:
    """Posts orders to one address and reads the state from another. Constructing connects to nothing.

    Args:
        url: where orders go, http or https.
        read_url: where the state is read; None: nowhere.
        secret_env: environment variable with the signing secrets.
        secret_file: or the file with them.
        read_token_env: environment variable with a bearer token that reading sends besides its signature.
        timeout_s: longest time of one exchange, from the look-up of the name to the last byte.
        ca_file: certificates that the receiver's is checked against; None: the machine's.
        clock: the time that signatures carry.

    Raises:
        ValueError: a setting has the wrong type or value.
    """

    def __init__(
        self,
        url: str,
        read_url: str | None,
        secret_env: str | None,
        secret_file: str | None,
        read_token_env: str | None,
        timeout_s: float,
        ca_file: str | None,
        clock: Clock,
    ) -> None:
        self._url = checked_url(url, "url", query=True)
        self._read_url = None if read_url is None else checked_url(read_url, "read_url", query=True)
        self._secrets = SigningSecrets(secret_env, secret_file)
        self._token = None if read_token_env is None else BearerToken(read_token_env, "read_token_env")
        if self._token is not None and self._read_url is None:
            raise ValueError("read_token_env is given without read_url: nothing would be read with it")
        self._timeout_s = seconds(timeout_s, "timeout_s", _LONGEST_S)
        if ca_file is not None and (not isinstance(ca_file, str) or not ca_file.startswith("/") or "\x00" in ca_file):
            raise ValueError(f"ca_file must be an absolute path, got {ca_file!r}")
        self._ca_file = ca_file
        self._clock = clock

    @property
    def where(self) -> str:
        """Where orders go, as messages may show it."""
        return shown_url(self._url)

    @property
    def reads(self) -> bool:
        """Whether there is an address to read from."""
        return self._read_url is not None

    def post(self, kind: str, order: Mapping[str, Any], message_id: str) -> Answer:
        """Send an order and return the answer, whatever its status.

        Raises:
            RoutingError: there is no secret, or no complete answer.
        """
        now = self._clock.now()
        stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = json.dumps({"type": kind, "timestamp": stamp, "data": order}, sort_keys=True, separators=(",", ":"))
        headers = {
            **signed_headers(self._secrets.load(), message_id, now, body),
            "content-type": "application/json",
            "idempotency-key": message_id,
        }
        return self._ask(Question("POST", self._url, headers, body.encode("ascii"), ca_file=self._ca_file))

    def get(self) -> Answer:
        """Read the state and return the answer, whatever its status.

        Raises:
            RoutingError: there is no ``read_url``, no secret, or no complete answer.
        """
        if self._read_url is None:
            raise RoutingError(
                f"the receiver {self.where} cannot be read: give read_url, an address that answers the state by GET"
            )
        headers = signed_headers(self._secrets.load(), f"read_{uuid4().hex}", self._clock.now(), "")
        headers["cache-control"] = "no-cache"  # an old state from a cache would look like a revert
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token.load()}"
        return self._ask(Question("GET", self._read_url, headers, ca_file=self._ca_file))

    def refusal(self, answer: Answer, asked: str) -> RoutingError:
        """Return the error for an answer that is not 2xx.

        Args:
            answer: what came back.
            asked: ``url`` or ``read_url``, the setting whose address was asked.
        """
        address = self._url if asked == "url" else str(self._read_url)
        said = self._without_token(answer.excerpt())
        return RoutingError(
            f"{shown_url(address)} answered {answer.status}: {said}; {_next_step(answer.status, asked)}"
        )

    def _ask(self, question: Question) -> Answer:
        return ask(question, self._timeout_s)

    def _without_token(self, text: str) -> str:
        """Return the receiver's words without the token, which a careless one may repeat."""
        return text if self._token is None else text.replace(self._token.load(), "<secret>")


def seconds(value: object, setting: str, most: float) -> float:
    """Return the setting if it is a time over 0 and up to ``most`` seconds.

    Raises:
        ValueError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise ValueError(f"{setting} must be seconds over 0 and up to {most:g}, got {value!r}")
    return float(value)


def flag(value: object, setting: str) -> bool:
    """Return the setting if it is true or false.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, bool):
        raise ValueError(f"{setting} must be true or false, got {value!r}")  # noqa: TRY004 - one error type for settings
    return value


def _next_step(status: int, asked: str) -> str:
    match status:
        case _ if 300 <= status < 400:  # noqa: PLR2004
            return f"redirects are not followed: put the final address into {asked}"
        case 401 | 403:
            return "check that both sides have the same secret and that their clocks agree"
        case 404 | 405 | 410:
            return f"check {asked}"
        case 408 | 425 | 429 | 503:
            return "it may be tried again"
        case _ if status >= 500:  # noqa: PLR2004
            return "look into the receiver's log"
        case _:
            return "the receiver refused the order: nothing was changed if it keeps to its contract"
