"""Which of the actions that wait are to be taken now, given that others may be running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from foldlog.schedules.model import ALLOW_ALL, BUFFER_ALL, BUFFER_ONE, SKIP, Start


@dataclass
class Resolved:
    """What to do.

    Attributes:
        beside: Begin these whatever else is running.
        alone: Begin this one; nothing is running.
        waiting: Keep these until something has ended.
        skipped: So many are not taken.
        ask: What the running ones are asked for: `CANCEL_OTHER` or `TERMINATE_OTHER`; 0: nothing.
    """

    beside: list[Start] = field(default_factory=list)
    alone: Start | None = None
    waiting: list[Start] = field(default_factory=list)
    skipped: int = 0
    ask: int = 0


def resolve(buffer: Sequence[Start], policy: int, running: bool) -> Resolved:
    """What to do with the actions that wait.

    Args:
        buffer: They, in the order of their times.
        policy: The schedule's overlap policy, for those that have none of their own.
        running: Whether an action is running.
    """
    found = Resolved()
    for start in buffer:
        overlap = start.overlap or policy
        if overlap == ALLOW_ALL:
            found.beside.append(start)
        elif not running and found.alone is None:
            found.alone = start
        elif overlap == SKIP:
            found.skipped += 1
        elif overlap == BUFFER_ALL:
            found.waiting.append(start)
        elif overlap == BUFFER_ONE:
            if found.waiting:
                found.skipped += 1
            else:
                found.waiting.append(start)
        elif running:
            # It takes the place of all that wait: they would be ended by it as soon as they began.
            found.skipped += len(found.waiting)
            found.waiting = [start]
            found.ask = max(found.ask, overlap)
        else:
            found.skipped += 1
            found.alone = start
    return found
