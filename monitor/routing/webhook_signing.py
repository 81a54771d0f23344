"""Signatures after Standard Webhooks, with secrets that settings name and never hold."""

import base64
import binascii
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from standardwebhooks import Webhook
from typing_extensions import override

from monitor.errors import RoutingError
from monitor.routing.secret_names import ENV_PREFIX, is_secret_name

__all__ = ["BearerToken", "SigningSecrets", "signed_headers"]

_TOKEN = re.compile(r"[\x21-\x7e]{1,4096}")
_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64
_MOST_SECRETS = 8
_MOST_BYTES = 16 * 1024


class SigningSecrets:
    """One or more secrets, each ``whsec_`` and base64, apart by white space or commas.

    All of them sign: while a secret is being replaced, a receiver may know the old or the new one. They are read anew
    for every request, so that a file can be replaced at any time.

    Args:
        env: the environment variable that holds them; exactly one of this and ``file``.
        file: the file that holds them.

    Raises:
        ValueError: none or both are given, or one is no name.
    """

    def __init__(self, env: str | None, file: str | None) -> None:
        if (env is None) == (file is None):
            raise ValueError("exactly one of secret_env and secret_file must be given")
        self._env = None if env is None else _variable(env, "secret_env")
        if file is not None and (not isinstance(file, str) or not file.startswith("/") or "\x00" in file):
            raise ValueError(f"secret_file must be an absolute path, got {file!r}")
        self._file = file

    def load(self) -> tuple[bytes, ...]:
        """Return the keys.

        Raises:
            RoutingError: there is none, or one is malformed. No message shows a secret.
        """
        parts = self._text().replace(",", " ").split()
        if not 1 <= len(parts) <= _MOST_SECRETS:
            raise RoutingError(f"{self} must hold 1 to {_MOST_SECRETS} signing secrets, it holds {len(parts)}")
        return tuple(self._key(part) for part in parts)

    def _text(self) -> str:
        if self._env is not None:
            return os.environ.get(self._env, "")
        try:
            with Path(str(self._file)).open("rb") as file:
                return file.read(_MOST_BYTES).decode("ascii", "replace")
        except OSError as error:
            raise RoutingError(
                f"{self} cannot be read ({error.strerror}): mount the signing secret there, readable by the service"
            ) from None

    def _key(self, part: str) -> bytes:
        encoded = part.removeprefix(_PREFIX)
        try:
            key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not part.startswith(_PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
            raise RoutingError(
                f"{self} holds something that is no signing secret: write {_PREFIX} and the base64 of {_SHORTEST} to "
                f"{_LONGEST} random bytes"
            )
        return key

    @override
    def __str__(self) -> str:
        return f"secret_env {self._env}" if self._env is not None else f"secret_file {self._file}"

    __repr__ = __str__


class BearerToken:
    """A token in an environment variable, read anew for every request.

    Raises:
        ValueError: the name is none that may be used.
    """

    def __init__(self, env: str, setting: str) -> None:
        self._env = _variable(env, setting)
        self._setting = setting

    def load(self) -> str:
        """Return the token.

        Raises:
            RoutingError: the variable is not set or holds no token; the message does not show it.
        """
        token = os.environ.get(self._env, "").strip()
        if not _TOKEN.fullmatch(token):
            raise RoutingError(f"{self} holds no token: set the variable where the service runs")
        return token

    @override
    def __str__(self) -> str:
        return f"{self._setting} {self._env}"

    __repr__ = __str__


def signed_headers(keys: Sequence[bytes], message_id: str, at: datetime, body: str) -> dict[str, str]:
    """Return ``webhook-id``, ``webhook-timestamp`` (Unix seconds) and ``webhook-signature``.

    Each key gives one signature, ``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``; a receiver accepts
    the message when one of them is right.
    """
    at = at.astimezone(UTC)  # the package takes whatever it gets for UTC
    signatures = (Webhook(key).sign(msg_id=message_id, timestamp=at, data=body) for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def _variable(env: object, setting: str) -> str:
    if not is_secret_name(env):
        raise ValueError(
            f"{setting} must be the name of an environment variable that begins with {ENV_PREFIX}, got {env!r}"
        )
    return str(env)
