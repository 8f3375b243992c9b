"""The types of workflow, signal and query methods, as the client uses them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from foldlog.types import (
    UNSET,
    LocalReturnType,
    MethodAsyncNoParam,
    MethodAsyncSingleParam,
    MethodSyncNoParam,
    MethodSyncOrAsyncNoParam,
    MethodSyncOrAsyncSingleParam,
    MethodSyncSingleParam,
    MultiParamSpec,
    ParamType,
    ReturnType,
    SelfType,
)

__all__ = [
    "NO_METADATA",
    "UNSET",
    "LocalReturnType",
    "MethodAsyncNoParam",
    "MethodAsyncSingleParam",
    "MethodSyncNoParam",
    "MethodSyncOrAsyncNoParam",
    "MethodSyncOrAsyncSingleParam",
    "MethodSyncSingleParam",
    "MultiParamSpec",
    "ParamType",
    "RPCMetadata",
    "ReturnType",
    "SelfType",
]

RPCMetadata = Mapping[str, str | bytes]
"""Temporal's `rpc_metadata`. On Kafka it reaches the client's interceptors, and nothing else."""
NO_METADATA: RPCMetadata = MappingProxyType({})
