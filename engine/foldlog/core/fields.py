"""Maps of payloads that a run may change: its memo and its search attributes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from foldlog.core.decider import WorkflowTaskError
from foldlog.schemas.common import Payload

REMOVED_ENCODING = "binary/null"
"""Encoding of a payload that removes the field of its name."""
CHANGE_VERSION = "TemporalChangeVersion"
"""The search attribute that lists the patches that a run has recorded, as in Temporal."""
TARGET_CHANGED = "foldlog.target-version-changed"
"""Recorded like a patch, and is none: to the code, `is_target_worker_deployment_version_changed` is from here on the
other of true and false. It begins with false."""
MAXIMUM_FIELDS = 200
"""Bound on the number of search attributes of a run, and on that of its memo values."""
MAXIMUM_ATTRIBUTE_BYTES = 2_048
"""Bound on the value of one search attribute, as in Temporal: what is longer is no use for searching."""
MAXIMUM_ATTRIBUTES_BYTES = 40_000
"""Bound on all search attributes of a run together, as in Temporal."""
MAXIMUM_MEMO_BYTES = 500_000
"""Bound on a memo: it is in each row of its run, and in the first event of each run that follows."""
MAXIMUM_SUMMARY_BYTES = 4_000
MAXIMUM_DETAILS_BYTES = 40_000


def merged(before: Mapping[str, Payload], changes: Mapping[str, Payload]) -> dict[str, Payload]:
    """The fields after changes."""
    after = {**before, **changes}
    for name, payload in changes.items():
        if payload.encoding == REMOVED_ENCODING:
            after.pop(name, None)
    return after


def with_patch(attributes: dict[str, Payload], patch_id: str) -> dict[str, Payload]:
    """Search attributes after a patch was recorded. Patches for which there is no room any more are left out."""
    known = attributes.get(CHANGE_VERSION)
    try:
        patches = set(json.loads(known.data)) if known is not None else set()
    except (ValueError, TypeError):  # a client has set it to something of its own
        patches = set()
    data = json.dumps(sorted({*map(str, patches), patch_id}), separators=(",", ":")).encode()
    if len(data) > MAXIMUM_ATTRIBUTE_BYTES:
        return attributes
    return {**attributes, CHANGE_VERSION: Payload(encoding="json/plain", data=data, metadata={"type": b"KeywordList"})}


def without_patches(attributes: dict[str, Payload]) -> dict[str, Payload]:
    """The search attributes that a following run takes over: patches are each run's own."""
    return {name: payload for name, payload in attributes.items() if name != CHANGE_VERSION}


def check_memo(memo: Mapping[str, Payload]) -> None:
    """Refuse a memo that is too large.

    Raises:
        WorkflowTaskError: It is.
    """
    _check("memo", memo, MAXIMUM_MEMO_BYTES)


def check_search_attributes(attributes: Mapping[str, Payload]) -> None:
    """Refuse search attributes that are too large.

    Raises:
        WorkflowTaskError: They are; the message names the attribute where there is one.
    """
    for name, payload in attributes.items():
        if len(payload.data) > MAXIMUM_ATTRIBUTE_BYTES:
            raise WorkflowTaskError(
                f"search attribute {name!r} has {len(payload.data)} bytes, and a value may have "
                f"{MAXIMUM_ATTRIBUTE_BYTES}"
            )
    _check("search attributes", attributes, MAXIMUM_ATTRIBUTES_BYTES)


def check_texts(summary: Payload | None, details: Payload | None) -> None:
    """Refuse a summary or details that are too long.

    Raises:
        WorkflowTaskError: They are.
    """
    for what, payload, maximum in (
        ("static_summary", summary, MAXIMUM_SUMMARY_BYTES),
        ("static_details", details, MAXIMUM_DETAILS_BYTES),
    ):
        if payload is not None and len(payload.data) > maximum:
            raise WorkflowTaskError(f"{what} has {len(payload.data)} bytes, and may have {maximum}")


def _check(what: str, fields: Mapping[str, Payload], maximum: int) -> None:
    if len(fields) > MAXIMUM_FIELDS:
        raise WorkflowTaskError(f"{what}: there may be {MAXIMUM_FIELDS} values, not {len(fields)}")
    size = size_of(fields)
    if size > maximum:
        raise WorkflowTaskError(f"{what}: {size} bytes, and {maximum} may be in all")


def size_of(fields: Mapping[str, Payload]) -> int:
    """The bytes of fields with their names."""
    return sum(len(name.encode()) for name in fields) + payload_bytes(fields.values())


def payload_bytes(payloads: Iterable[Payload]) -> int:
    """The bytes of payloads. A codec may put much into the metadata, and rows have all of it."""
    size = 0
    for payload in payloads:
        size += len(payload.data)
        if payload.metadata:
            size += sum(len(key.encode()) + len(value) for key, value in payload.metadata.items())
    return size
