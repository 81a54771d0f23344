"""Preflight: is the baseline healthy enough to take the traffic? By its own recent telemetry. Pure."""

from dataclasses import dataclass

from monitor.models.policy import PreflightPolicy

__all__ = ["Fitness", "judge_baseline"]


@dataclass(frozen=True, slots=True)
class Fitness:
    """Whether traffic may move to the baseline, and why."""

    healthy: bool
    reason: str


def judge_baseline(answers: int, failed: int, policy: PreflightPolicy) -> Fitness:
    """Judge the baseline by its answers of the last ``window_s`` seconds, shadow and holdback together."""
    if answers < policy.min_events:
        return Fitness(
            healthy=False,
            reason=f"the baseline answered {answers} requests in {policy.window_s:g} s, {policy.min_events} are needed "
            "to call it healthy",
        )
    rate = failed / answers
    if rate > policy.max_error_rate:
        return Fitness(
            healthy=False,
            reason=f"the baseline itself fails {100 * rate:.1f} % of {answers} requests (limit "
            f"{100 * policy.max_error_rate:g} %)",
        )
    return Fitness(healthy=True, reason=f"the baseline is healthy: {failed} of {answers} answers failed")
