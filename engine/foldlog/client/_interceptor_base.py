"""What all inputs of a client's interceptors have."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from foldlog.client._types import RPCMetadata


@dataclass(kw_only=True)
class Input:
    """The part of a call that is about the call itself."""

    rpc_metadata: RPCMetadata = field(default_factory=dict)
    """What the caller gave. It goes no further than interceptors, as there are no RPCs: what is to travel goes into
    headers."""
    rpc_timeout: timedelta | None = None
