"""How an attempt ended, as data: between the runner, which knows no commands, and whoever reports it."""

from __future__ import annotations

from foldlog.schemas.common import Failure, Payload
from msgspec import Struct, field


class Completed(Struct):
    """It returned."""

    result: Payload


class Failed(Struct):
    """It raised, or overstayed."""

    failure: Failure
    heartbeat_details: list[Payload] = field(default_factory=list)
    """The last ones, whether or not they have been sent."""


class Canceled(Struct):
    """It let its cancellation through."""

    details: list[Payload] = field(default_factory=list)


class LeftOpen(Struct):
    """Somebody else completes it, from outside."""

    heartbeat_details: list[Payload] | None = None
    """What it noted last, whether or not that has been sent; None: nothing."""


class Dropped(Struct):
    """It counts no longer: there is nothing to report."""


class Interrupted(Struct):
    """The worker stopped it. It is for whoever has the task next."""

    failure: Failure
    """What to report where nobody would have the task next."""
    heartbeat_details: list[Payload] = field(default_factory=list)


Outcome = Completed | Failed | Canceled | LeftOpen | Dropped | Interrupted
