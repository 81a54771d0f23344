"""What every backend gets at every target, and what a person can do now, as the page shows them. Pure."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.models.route import Goal, Mirror, Phase, RouteControl
from monitor.models.variant import Variant
from monitor.ui.reads import RouteFacts

__all__ = ["NextStep", "RoutingLine", "next_step", "routing_lines"]

_MOVING = frozenset(
    {
        Phase.APPLYING,
        Phase.VERIFYING_CONTROL,
        Phase.VERIFYING_TRAFFIC,
        Phase.ROLLED_BACK,
        Phase.RECOVERING,
    }
)


@dataclass(frozen=True, slots=True)
class RoutingLine:
    """What one backend gets at one target, before the last move and as desired."""

    target: str
    backend: str
    variant: str
    role: str
    before: str
    desired: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """What a person can do now, and how."""

    does: str
    command: str


def routing_lines(control: RouteControl, variants: Sequence[Variant]) -> list[RoutingLine]:
    """Return what every backend got before the last move and should get now; empty when nothing was ever changed."""
    known = {variant.backend: variant for variant in variants}
    lines = []
    for target in sorted({*control.before, *control.desired}):
        before, desired = control.before.get(target), control.desired.get(target)
        backends = [*known]
        for one in (before, desired):
            if one is not None:
                backends += [name for name in (*one.weights, *_copied(one.mirror)) if name not in backends]
        lines += [
            RoutingLine(
                target,
                backend,
                known[backend].name if backend in known else "unknown",
                known[backend].role.value if backend in known else "–",
                "–" if before is None else _gets(before.weights, before.mirror, backend),
                "–" if desired is None else _gets(desired.weights, desired.mirror, backend),
            )
            for backend in backends
        ]
    return lines


def _copied(mirror: Mirror) -> tuple[str, ...]:
    if mirror is None:
        return ()
    return (mirror,) if isinstance(mirror, str) else tuple(mirror.values())


def _gets(weights: Mapping[str, int], mirror: Mirror, backend: str) -> str:
    total = sum(weights.values())
    weight = weights.get(backend, 0)
    share = f" ({100 * weight / total:.3g} %)" if total else ""
    if isinstance(mirror, Mapping):
        whose = ", ".join(serving for serving, copied in sorted(mirror.items()) if copied == backend)
        return f"weight {weight}{share}{f', and the copies of {whose}' if whose else ''}"
    return f"weight {weight}{share}{', and the mirror' if mirror == backend else ''}"


def next_step(facts: RouteFacts) -> NextStep | None:
    """Return the command that a person most likely wants now."""
    name, control = shlex.quote(facts.route.name), facts.control
    rolls = f"fullback flip {name} --to baseline --reason 'why'"
    undo = f"fullback flip {name} --to before --reason 'why'"
    match control.phase:
        case Phase.STUCK | Phase.REVERTED:
            return NextStep("Check the router by hand, then send all traffic to the baseline again:", rolls)
        case Phase.TRIGGERED | Phase.PREFLIGHT | Phase.BLOCKED:
            return NextStep("Roll back now, past what holds it, if you know that the baseline can take it:", rolls)
        case Phase.RAMPING:
            return NextStep("Stop the way back: send all traffic to the baseline:", rolls)
        case Phase.HOLD if control.told in {"safe", "new_digest"}:
            back = f"fullback recover {name} --reason 'why'"
            return NextStep("Bring the candidate back in steps, as soon as the evidence allows:", back)
        case phase if phase in _MOVING or phase is Phase.HOLD:
            if not control.before or control.goal is not Goal.BASELINE:
                return None
            does = "Undo: restore the routing from before the flip, record a false alarm, and pin the route for 24 h:"
            return NextStep(does, undo)
        case _ if facts.open_incidents:
            return NextStep("Nothing has been moved. Send all traffic to the baseline:", rolls)
        case _:
            return None
