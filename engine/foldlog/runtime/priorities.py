"""What an activity or a child has of its workflow's priority."""

from __future__ import annotations

from foldlog.common import Priority
from foldlog.schemas.common import Priority as PriorityRecord


def inherit(own: Priority | None, inherited: PriorityRecord | None) -> PriorityRecord | None:
    """What is said of a priority, and for the rest what the workflow says; None: nobody says anything."""
    if own is None or own == Priority.default:
        return inherited
    record = own.to_record()
    if inherited is not None:
        record.priority_key = record.priority_key or inherited.priority_key
        record.fairness_key = record.fairness_key or inherited.fairness_key
        record.fairness_weight = record.fairness_weight or inherited.fairness_weight
    return record
