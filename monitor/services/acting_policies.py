"""The parts of a policy document that say how the controller acts."""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from monitor.errors import ValidationError
from monitor.models.acting import (
    BreakerPolicy,
    DrainPolicy,
    FreezeWindow,
    PreflightPolicy,
    ProbePolicy,
    RampPolicy,
    VerifyPolicy,
)

__all__ = ["ACTING_SECTIONS", "acting_parts"]

ACTING_SECTIONS: Final = frozenset({"verify", "preflight", "ramp", "breaker", "freeze"})


def acting_parts(policy: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``Policy`` that these sections set, defaults filled in; the schema has been checked.

    Raises:
        ValidationError: steps do not rise to 100, or a time zone is unknown; the message names the place.
    """
    verify, preflight = dict(document.get("verify", {})), dict(document.get("preflight", {}))
    drain = preflight.pop("drain", None)
    return {
        "verify": VerifyPolicy(
            **{key: value for key, value in verify.items() if key not in {"probe", "counters"}},
            probe=_probe(verify.get("probe")),
            counters=tuple(verify.get("counters", ())),
        ),
        "preflight": PreflightPolicy(
            **{key: value for key, value in preflight.items() if key != "probe"},
            probe=_probe(preflight.get("probe")),
            drain=None if drain is None else _with_steps(policy, "/preflight/drain", DrainPolicy, drain),
        ),
        "ramp": _with_steps(policy, "/ramp", RampPolicy, document.get("ramp", {})),
        "breaker": BreakerPolicy(**document.get("breaker", {})),
        "freeze": tuple(_window(policy, place, one) for place, one in enumerate(document.get("freeze", ()))),
    }


def _probe(entry: Mapping[str, Any] | None) -> ProbePolicy | None:
    return None if entry is None else ProbePolicy(**entry)


def _with_steps(policy: str, pointer: str, part: type[Any], entry: Mapping[str, Any]) -> Any:
    """Return the part, with its steps checked: they rise, and the last one is the whole way."""
    steps = entry.get("steps")
    if steps is None:
        return part(**entry)
    if list(steps) != sorted(set(steps)) or steps[-1] != 100:  # noqa: PLR2004 - percent
        raise _wrong(policy, f"{pointer}/steps", f"steps must rise and end at 100, got {list(steps)}")
    return part(**{**entry, "steps": tuple(steps)})


def _window(policy: str, place: int, entry: Mapping[str, Any]) -> FreezeWindow:
    given: dict[str, Any] = {**entry, "days": tuple(entry["days"])} if "days" in entry else dict(entry)
    window = FreezeWindow(**given)
    try:
        ZoneInfo(window.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong(
            policy,
            f"/freeze/{place}/zone",
            f"unknown time zone {window.zone!r}; use an IANA name such as Europe/Berlin",
        ) from None
    return window


def _wrong(policy: str, pointer: str, detail: str) -> ValidationError:
    problems = [{"pointer": pointer, "detail": detail}]
    return ValidationError(f"policy {policy!r}: {pointer}: {detail}", errors=problems)
