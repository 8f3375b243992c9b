"""How an attempt ended, as data: between the runner, which knows no commands, and whoever reports it."""

from __future__ import annotations

from dataclasses import dataclass, field

from foldlog.schemas.common import Failure, Payload


@dataclass(slots=True)
class Completed:
    """It returned."""

    result: Payload


@dataclass(slots=True)
class Failed:
    """It raised, or overstayed."""

    failure: Failure
    heartbeat_details: list[Payload] = field(default_factory=list)
    """The last ones, whether or not they have been sent."""


@dataclass(slots=True)
class Canceled:
    """It let its cancellation through."""

    details: list[Payload] = field(default_factory=list)


@dataclass(slots=True)
class LeftOpen:
    """Somebody else completes it, from outside."""

    heartbeat_details: list[Payload] | None = None
    """What it noted last, whether or not that has been sent; None: nothing."""


@dataclass(slots=True)
class Dropped:
    """It counts no longer: there is nothing to report."""


@dataclass(slots=True)
class Interrupted:
    """The worker stopped it. It is for whoever has the task next."""

    failure: Failure
    """What to report where nobody would have the task next."""
    heartbeat_details: list[Payload] = field(default_factory=list)


Outcome = Completed | Failed | Canceled | LeftOpen | Dropped | Interrupted
