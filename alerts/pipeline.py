"""What to do next with an alert in the outbox. Pure: the time and the jitter are arguments."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.errors import NotifyError

__all__ = ["Deliver", "GiveUp", "RetryAt", "backoff_s", "next_step"]

MAX_ATTEMPTS = 12
RETRY_AFTER_CEILING_S = 3600.0


@dataclass(frozen=True, slots=True)
class Deliver:
    """Try now."""

    reason: str


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try at ``at``, not before."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Never try again; a person has to act."""

    reason: str


def backoff_s(
    attempt: int,
    retry_after_s: float | None,
    *,
    base: float = 2,
    ceiling: float = 300,
    jitter: float = 0.0,
) -> float:
    """Seconds to wait after failed attempt number ``attempt``: ``min(ceiling, base ** attempt)``.

    Parameters:
        attempt: attempts made so far, at least 1.
        retry_after_s: what the receiver asked for: a lower bound, also above ``ceiling``, up to one hour.
        base: growth from one attempt to the next, above 1.
        ceiling: the longest own wait in seconds, above 0.
        jitter: in [0, 1]; takes up to half off the own wait, so that alerts that failed together do not
            return together. Draw it uniformly at the edge.
    """
    if attempt < 1:
        raise ValueError(f"attempt must be at least 1, got {attempt}")
    if not base > 1:
        raise ValueError(f"base must be above 1, got {base}")
    if not ceiling > 0:
        raise ValueError(f"ceiling must be above 0, got {ceiling}")
    if not 0 <= jitter <= 1:
        raise ValueError(f"jitter must be in [0, 1], got {jitter}")
    # Compared as logarithms, as the power overflows after about a thousand attempts.
    own = ceiling if attempt * math.log(base) >= math.log(ceiling) else float(base) ** attempt
    asked = 0.0 if retry_after_s is None or math.isnan(retry_after_s) else retry_after_s
    return max(own * (1 - jitter / 2), min(asked, RETRY_AFTER_CEILING_S))


def next_step(
    attempt: int,
    error: NotifyError | None,
    *,
    now: datetime,
    last_attempt_at: datetime | None = None,
    max_attempts: int = MAX_ATTEMPTS,
    jitter: float = 0.0,
) -> Deliver | RetryAt | GiveUp:
    """Decide about an alert that is not delivered yet.

    Parameters:
        attempt: attempts made so far; 0 for a new alert.
        error: how the last attempt ended; None with ``attempt`` above 0: it was never recorded.
        now: the current time, aware.
        last_attempt_at: when the last attempt ended; None means just now.
        max_attempts: after so many attempts it gives up; the defaults make this about 23 minutes of trying.
        jitter: see ``backoff_s``; pass the same value again for the same attempt.
    """
    if attempt < 0:
        raise ValueError(f"attempt must be at least 0, got {attempt}")
    if attempt == 0:
        return Deliver("first attempt")
    ended = "its outcome is unknown" if error is None else error.reason
    if error is not None and not error.retryable:
        return GiveUp(f"attempt {attempt} failed for good: {ended}")
    if attempt >= max_attempts:
        return GiveUp(f"attempt {attempt} of {max_attempts} failed: {ended}")
    wait_s = backoff_s(attempt, None if error is None else error.retry_after_s, jitter=jitter)
    due = (now if last_attempt_at is None else last_attempt_at) + timedelta(seconds=wait_s)
    if due <= now:
        return Deliver(f"attempt {attempt + 1} of {max_attempts} is due: {ended}")
    return RetryAt(due, f"attempt {attempt} of {max_attempts} failed: {ended}")
