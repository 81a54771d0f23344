"""What a count of simulated streams proves: the share with its exact binomial bounds."""

from dataclasses import dataclass

from detectors.stats.reference import upper_bound

__all__ = ["Share"]

_CONFIDENCE = 0.975


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``of`` independent streams, with Clopper-Pearson bounds of 97.5 % each."""

    count: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.of or not self.of:
            raise ValueError(f"count must be in [0, of] and of >= 1, got {self.count!r} of {self.of!r}")

    @property
    def value(self) -> float:
        """The share itself."""
        return self.count / self.of

    @property
    def low(self) -> float:
        """The lower bound."""
        return 1.0 - upper_bound(self.of - self.count, self.of, _CONFIDENCE)

    @property
    def high(self) -> float:
        """The upper bound: what the simulation proves.

        >>> round(Share(0, 2000).high, 5)
        0.00184
        """
        return upper_bound(self.count, self.of, _CONFIDENCE)
