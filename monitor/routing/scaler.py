"""More replicas of the baseline before it takes the traffic. Replicas are only ever added."""

from dataclasses import dataclass
from typing import Annotated, Protocol
from uuid import uuid4

import msgspec
from typing_extensions import override

from monitor.clock import Clock, SystemClock
from monitor.errors import RoutingError
from monitor.routing.bounded_http import Answer
from monitor.routing.webhook_client import HookClient

__all__ = ["HookScaler", "Scale", "ScaleVerdict", "Scaler", "judge_scale", "raise_to"]

_MOST_REPLICAS = 10_000
_LONGEST_NAME = 253

_Replicas = Annotated[int, msgspec.Meta(ge=0, le=_MOST_REPLICAS)]


class Scale(msgspec.Struct, frozen=True):
    """How many replicas there are."""

    wanted: _Replicas
    """That it was asked for, by whomever."""
    ready: _Replicas
    """That can take requests now."""


class Scaler(Protocol):
    """Reads and sets how many replicas the baseline has. Constructing connects to nothing."""

    def get_scale(self) -> Scale:
        """Return how many there are.

        Raises:
            RoutingError: it cannot be read.
        """
        ...

    def set_scale(self, replicas: int) -> None:
        """Ask for so many, or leave it at more when others asked for more meanwhile, where that can be told.

        Raises:
            RoutingError: it cannot be written.
        """
        ...


@dataclass(frozen=True, slots=True)
class ScaleVerdict:
    """Whether the replicas are there, and what that rests on."""

    ready: bool
    reason: str


def judge_scale(scale: Scale, replicas: int) -> ScaleVerdict:
    """Tell whether at least so many replicas can take requests. Pure."""
    wanted = f"{replicas} replica{'' if replicas == 1 else 's'} of the baseline"
    if scale.ready >= replicas:
        return ScaleVerdict(ready=True, reason=f"{wanted} wanted, {scale.ready} ready")
    asked = "" if scale.wanted >= replicas else f", and only {scale.wanted} asked for: something scales it down again"
    return ScaleVerdict(ready=False, reason=f"{wanted} wanted, {scale.ready} ready{asked}")


def raise_to(scaler: Scaler, replicas: int) -> Scale:
    """Ask for more replicas if fewer were asked for, never for fewer; return how it stands. Does not wait.

    Raises:
        ValueError: the number is out of its range.
        RoutingError: the scale cannot be read or written.
    """
    if isinstance(replicas, bool) or not isinstance(replicas, int) or not 1 <= replicas <= _MOST_REPLICAS:
        raise ValueError(f"replicas must be 1 to {_MOST_REPLICAS}, got {replicas!r}")
    found = scaler.get_scale()
    if found.wanted >= replicas:
        return found
    scaler.set_scale(replicas)
    return scaler.get_scale()


class HookScaler(Scaler):
    """Scales through a receiver that its owner writes: ``POST`` the number, ``GET`` ``{wanted, ready}``.

    Args:
        url: takes ``{"type": "fullback.scale", "data": {"name": ..., "replicas": N}}``, signed.
        read_url: answers ``{"wanted": N, "ready": N}``.
        name: what the receiver calls the baseline.
        secret_env: environment variable with the signing secrets (``FULLBACK_TARGET_...``); this or ``secret_file``.
        secret_file: the file with them.
        read_token_env: environment variable with a bearer token for ``read_url``.
        ca_file: certificates that the receiver's is checked against; the machine's where absent.
        timeout_s: longest time of one exchange.
        clock: the time that signatures carry.

    Raises:
        ValueError: a setting has the wrong type or value.
    """

    def __init__(
        self,
        url: str,
        read_url: str,
        name: str,
        secret_env: str | None = None,
        secret_file: str | None = None,
        read_token_env: str | None = None,
        ca_file: str | None = None,
        timeout_s: float = 5,
        clock: Clock | None = None,
    ) -> None:
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
            raise ValueError(f"name must be a text of 1 to {_LONGEST_NAME} characters, got {name!r}")
        if read_url is None:
            raise ValueError("read_url must be given: without it nothing tells when the replicas are ready")
        self._name = name
        self._client = HookClient(
            url, read_url, secret_env, secret_file, read_token_env, timeout_s, ca_file, clock or SystemClock()
        )

    @override
    def get_scale(self) -> Scale:
        answer = self._client.get()
        if not answer.ok:
            raise self._client.refusal(answer, "read_url")
        return _scale(answer, self._client.where)

    @override
    def set_scale(self, replicas: int) -> None:
        # An id of its own each time: the same number may be asked for again next week, and must not pass for a repeat.
        order = {"name": self._name, "replicas": replicas}
        answer = self._client.post("fullback.scale", order, f"scale_{uuid4().hex}")
        if not answer.ok:
            raise self._client.refusal(answer, "url")


def _scale(answer: Answer, where: str) -> Scale:
    try:
        return msgspec.json.decode(answer.body, type=Scale)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
        raise RoutingError(
            f"the receiver {where} answered no scale ({reason}): it must answer "
            f'{{"wanted": N, "ready": N}}, each from 0 to {_MOST_REPLICAS}'
        ) from None
