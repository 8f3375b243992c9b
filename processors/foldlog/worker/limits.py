"""How many attempts may run, how many may start, and how often one may report: the worker's three brakes.

Knows no Kafka, no activity and no clock: times are passed in, in seconds of a monotonic clock.
"""

from __future__ import annotations

import threading


class Slots:
    """Places for attempts that run at a time. Any thread may take and give back."""

    def __init__(self, total: int) -> None:
        """Make places.

        Raises:
            ValueError: There would be none.
        """
        if total < 1:
            raise ValueError(f"at least one slot is needed, not {total}")
        self.total = total
        self._free = total
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        """Places that are free now."""
        return self._free

    @property
    def used(self) -> int:
        """Places that are taken now."""
        return self.total - self._free

    def take(self) -> bool:
        """Take a place, if one is free."""
        with self._lock:
            if not self._free:
                return False
            self._free -= 1
            return True

    def give_back(self) -> None:
        """Give a place back.

        Raises:
            RuntimeError: None is taken.
        """
        with self._lock:
            if self._free == self.total:
                raise RuntimeError("a slot was given back that nobody has")
            self._free += 1

    # Eager tasks take the same places; `permits.Permits` tells them apart.
    take_eager = take
    give_back_eager = give_back


class RateLimit:
    """A token bucket: so many starts in a second, of which a tenth of a second's may come at once.

    Any thread may ask.
    """

    def __init__(self, per_second: float) -> None:
        """Make a limit.

        Raises:
            ValueError: It would let nothing through.
        """
        if per_second <= 0:
            raise ValueError(f"a rate limit must be more than 0 in a second, not {per_second}")
        self._rate = per_second
        self._tokens = self._burst
        self._at = float("-inf")
        self._lock = threading.Lock()

    @property
    def per_second(self) -> float:
        """What is let through now."""
        return self._rate

    @property
    def _burst(self) -> float:
        return max(1.0, self._rate / 10)

    def change(self, per_second: float, now: float) -> None:
        """Let another number through from now on; 0 or less lets nothing through."""
        with self._lock:
            self._refill(now)
            self._rate = max(per_second, 0.0)
            self._tokens = min(self._tokens, self._burst)

    def take(self, now: float) -> bool:
        """Start one now, if that is allowed."""
        with self._lock:
            self._refill(now)
            if self._tokens < 1 or not self._rate:
                return False
            self._tokens -= 1
            return True

    def give_back(self) -> None:
        """The one that was to start does not."""
        with self._lock:
            self._tokens = min(self._tokens + 1, self._burst)

    def wait(self, now: float) -> float:
        """Seconds until the next one may start; infinite while nothing is let through."""
        with self._lock:
            self._refill(now)
            if not self._rate:
                return float("inf")
            return max(0.0, (1 - self._tokens) / self._rate)

    def _refill(self, now: float) -> None:
        if now > self._at:
            if self._at != float("-inf"):
                self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
            self._at = now


class HeartbeatThrottle:
    """Which heartbeats of one attempt go out: the newest once in an interval, and none before a time.

    The interval is 80 % of the heartbeat timeout, at most `maximum`; without a timeout it is `default`, at most
    `maximum`. So it is in Temporal's workers, which send the first heartbeat at once.
    """

    __slots__ = ("_due", "interval", "pending")

    def __init__(self, timeout: float, default: float, maximum: float, first: float) -> None:
        """Make a throttle.

        Args:
            timeout: The attempt's heartbeat timeout in seconds; 0: none.
            default: Interval of attempts without one, in seconds.
            maximum: No interval is longer, in seconds.
            first: When the first heartbeat may go out.
        """
        self.interval = min(timeout * 0.8 if timeout else default, maximum)
        self.pending = False
        """Whether there is a heartbeat that has not gone out."""
        self._due = first

    @property
    def due(self) -> float:
        """When the next heartbeat may go out."""
        return self._due

    def beat(self, now: float) -> float:
        """The attempt reports. Returns the seconds after which `send` is to be called; 0: at once."""
        self.pending = True
        return max(0.0, self._due - now)

    def send(self, now: float) -> bool:
        """Whether the newest heartbeat goes out now. If so, the interval begins anew."""
        if not self.pending or now < self._due:
            return False
        self.pending = False
        self._due = now + self.interval
        return True
