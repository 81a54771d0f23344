"""A policy: what is tolerated and how the controller acts. Data, versioned, checked by JSON Schema."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from detectors.types import Design, Margin
from monitor.models.acting import BreakerPolicy, FreezeWindow, PreflightPolicy, RampPolicy, VerifyPolicy
from monitor.models.slice_expressions import Condition

__all__ = ["Policy", "ReactionPolicy", "SignalPolicy"]


@dataclass(frozen=True, slots=True)
class SignalPolicy:
    """One watched signal: its tolerance and its share of the false-alarm budget."""

    margin: Margin
    weight: float = 1.0
    states_margin: bool = False
    """Whether the document names a margin of this signal; if not, a confirmed variant brings its own."""
    design: Design | None = None
    """How its answers are compared, where that is not told by the signal."""


@dataclass(frozen=True, slots=True)
class ReactionPolicy:
    """How long users have to react to an answer, and which part of the sessions the baseline should answer."""

    matures_after_s: float = 600.0
    holdback: float | None = None
    """Declared share of the sessions that the router leaves on the baseline; None says nothing of it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy document at one version, with every default filled in."""

    name: str
    version: int
    tick_s: float = 10.0
    warmup_s: float = 3600.0
    horizon_floor_s: float = 5.0
    horizon_ceiling_s: float = 600.0
    false_rollbacks_per_month: float = 0.1
    evidence_ttl_s: float = 1800.0
    observe_days: float = 7.0
    signals: Mapping[str, SignalPolicy] = field(default_factory=dict)
    slices: tuple[str, ...] = ("all", "first_turn")
    """Names of slices, of whole families (``lang:*``) and of the slices that ``conditions`` define."""
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    states_slices: bool = False
    """Whether the document names the slices; if not, a confirmed variant adds its own."""
    max_streams: int = 2_000
    """Most streams that a route tests; what it leaves out is told."""
    verify: VerifyPolicy = field(default_factory=VerifyPolicy)
    preflight: PreflightPolicy = field(default_factory=PreflightPolicy)
    ramp: RampPolicy = field(default_factory=RampPolicy)
    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    freeze: tuple[FreezeWindow, ...] = ()
    a_a_pairs: int = 1000
    """Pairs of the baseline with itself, none of whose streams may alarm, before ``auto`` is armed."""
    reactions: ReactionPolicy = field(default_factory=ReactionPolicy)
