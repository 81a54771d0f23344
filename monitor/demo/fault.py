"""One fault: what it does to the candidate, and which alarm it must end in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.demo.concerns import Concerns, nothing
from monitor.demo.damage import Change

__all__ = ["WHOLE", "Fault"]

WHOLE = ("all", "first_turn")
"""Slices in which a fault may show that is everywhere."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the candidate.

    Args:
        name: as ``--fault`` takes it.
        sentence: what is said when it begins.
        signals: what an alarm may name; the fault is found when one does. Empty: nothing may alarm.
        slices: where that alarm may be.
        concerns: the requests whose answers are in danger.
        share: of their answers that go wrong.
        change: how an answer goes wrong.
        slowdown: factor on the candidate's pace.
        queueing: factor on the time in its queue.
        kills: whether its server is killed.
        replaces: whether its artifact is replaced by a quantized one of the same weights; real engines only.
        policy: what the demo's policy has beside its own settings.
        only: the signals that it watches; empty: all. Many slices of few signals cost what few slices of all do.
        healthy_s: how long all is well before.
        healthy_pairs: how many pairs are seen before; the tails of a number need a thousand to know what is usual.
        limit_s: how much traffic may pass until the alarm.

    Raises:
        ValueError: the share is not in [0, 1].
    """

    name: str
    sentence: str
    signals: tuple[str, ...] = ()
    slices: tuple[str, ...] = WHOLE
    concerns: Concerns = nothing
    share: float = 0.0
    change: Change | None = None
    slowdown: float = 1.0
    queueing: float = 1.0
    kills: bool = False
    replaces: bool = False
    policy: Mapping[str, Any] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    healthy_s: float = 25.0
    healthy_pairs: int = 0
    limit_s: float = 100.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"share must be in [0, 1], got {self.share!r}")

    @property
    def slows(self) -> bool:
        """Whether every answer is concerned, by its pace."""
        return self.slowdown > 1.0 or self.queueing > 1.0

    @property
    def simulated(self) -> bool:
        """Whether only a simulated server can have it."""
        return self.change is not None or self.slows

    @property
    def expected(self) -> bool:
        """Whether an alarm is."""
        return bool(self.signals)

    def policy_over(self, usual: Mapping[str, Any], tested: Iterable[str]) -> Mapping[str, Any]:
        """Return the policy document of a run: the usual one, with what this fault needs of the tested signals."""
        unwatched = {name: {"weight": 0} for name in tested if self.only and name not in self.only}
        signals = {**unwatched, **self.policy.get("signals", {})}
        return {**usual, **self.policy, **({"signals": signals} if signals else {})}

    def names(self, signal: str, slice_: str) -> bool:
        """Tell whether an alarm names what is wrong."""
        return signal in self.signals and slice_ in self.slices
