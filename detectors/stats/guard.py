"""The pairing guard: are both legs arriving?"""

from dataclasses import dataclass

__all__ = ["MAX_ONE_SIDED", "MIN_REQUESTS", "GuardState", "observe", "trips"]

HALF_LIFE_TICKS = 30
MIN_REQUESTS = 50.0
MAX_ONE_SIDED = 0.02
_KEEP = 0.5 ** (1.0 / HALF_LIFE_TICKS)


@dataclass(frozen=True, slots=True)
class GuardState:
    """Exponentially forgotten counts of mirrored requests and of those with one leg only."""

    requests: float = 0.0
    one_sided: float = 0.0

    @property
    def share(self) -> float:
        """Share of one-sided requests; 0 without requests."""
        return self.one_sided / self.requests if self.requests > 0.0 else 0.0


def observe(state: GuardState, *, pairs: int, one_sided: int) -> GuardState:
    """Fold one tick: ``pairs`` requests with both legs, ``one_sided`` with a leg missing, late or censored.

    Requests that the mirror did not sample belong to neither. Half-life 30 ticks (5 minutes at 10 s).

    Raises:
        ValueError: a count is negative.
    """
    if pairs < 0:
        raise ValueError(f"pairs must be >= 0, got {pairs!r}")
    if one_sided < 0:
        raise ValueError(f"one_sided must be >= 0, got {one_sided!r}")
    return GuardState(
        requests=_KEEP * state.requests + pairs + one_sided, one_sided=_KEEP * state.one_sided + one_sided
    )


def trips(state: GuardState) -> bool:
    """Return True when at least 50 recent requests are known and more than 2 % are one-sided.

    A heuristic report, without an error guarantee: validity rests on scoring missing legs against the claim.

    >>> trips(observe(GuardState(), pairs=97, one_sided=3))
    True
    >>> trips(observe(GuardState(), pairs=40, one_sided=3))
    False
    """
    return state.requests >= MIN_REQUESTS and state.share > MAX_ONE_SIDED
