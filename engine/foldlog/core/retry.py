"""Whether and when a failed attempt is repeated: Temporal's rules for RetryPolicy, as arithmetic on records."""

from __future__ import annotations

from foldlog.schemas.common import Failure, RetryPolicy, RetryState

MAXIMUM_DELAY_MS = 10 * 365 * 24 * 3_600_000
"""Ten years: what an unbounded backoff is cut to, so that the arithmetic stays in range."""


def next_delay_ms(
    policy: RetryPolicy | None, attempt: int, failure: Failure, elapsed_ms: int, limit_ms: int
) -> tuple[int, None] | tuple[None, RetryState]:
    """The wait before the next attempt, or why there is none.

    Args:
        policy: The retry policy; None: no retries.
        attempt: The attempt that failed, from 1.
        failure: Why it failed.
        elapsed_ms: Time since the first attempt was scheduled, in milliseconds.
        limit_ms: Limit on all attempts together (schedule-to-close), in milliseconds; 0: none.

    Returns:
        The wait in milliseconds and None, or None and the retry state to record.
    """
    if policy is None:
        return None, "RETRY_POLICY_NOT_SET"
    if failure.non_retryable or (failure.kind == "APPLICATION" and failure.type in policy.non_retryable_error_types):
        return None, "NON_RETRYABLE_FAILURE"
    if failure.kind in ("CANCELED", "TERMINATED"):
        return None, "NON_RETRYABLE_FAILURE"
    if policy.maximum_attempts and attempt >= policy.maximum_attempts:
        return None, "MAXIMUM_ATTEMPTS_REACHED"
    delay_ms = failure.next_retry_delay_ms or _backoff_ms(policy, attempt)
    if limit_ms and elapsed_ms + delay_ms >= limit_ms:
        return None, "TIMEOUT"
    return delay_ms, None


def _backoff_ms(policy: RetryPolicy, attempt: int) -> int:
    cap = policy.maximum_interval_ms or policy.initial_interval_ms * 100
    try:
        delay = policy.initial_interval_ms * policy.backoff_coefficient ** (attempt - 1)
    except OverflowError:
        return min(cap, MAXIMUM_DELAY_MS)
    return int(min(delay, cap, MAXIMUM_DELAY_MS))
