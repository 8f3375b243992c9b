"""How a workflow ends as new: the error that says so, and what may be said with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Any, Protocol, TypeVar

from foldlog.common import RetryPolicy, SearchAttributes, TypedSearchAttributes

__all__ = ["ContinueAsNewError", "ContinueAsNewVersioningBehavior", "VersioningIntent"]


_Self_contra = TypeVar("_Self_contra", contravariant=True)
_Param_contra = TypeVar("_Param_contra", contravariant=True)


class RunMethod(Protocol[_Self_contra]):
    """A run method without arguments, as a type checker sees it."""

    def __call__(self, __self: _Self_contra) -> Awaitable[Any]: ...


class RunMethodWithArgument(Protocol[_Self_contra, _Param_contra]):
    """A run method with one argument."""

    def __call__(self, __self: _Self_contra, __arg: _Param_contra) -> Awaitable[Any]: ...


class ContinueAsNewError(BaseException):
    """Ends the run: raised by `continue_as_new`, to be let through by the workflow's code. Never make one yourself."""

    def __init__(self, *args: object) -> None:
        """Private: use `continue_as_new`."""
        if type(self) is ContinueAsNewError:
            raise RuntimeError("make no ContinueAsNewError yourself: call workflow.continue_as_new()")
        super().__init__(*args)


class VersioningIntent(Enum):
    """Which version of the code new work should run on. Temporal's; taken, and without meaning here."""

    COMPATIBLE = 1
    DEFAULT = 2


class ContinueAsNewVersioningBehavior(IntEnum):
    """Which version of the code the new run begins on."""

    UNSPECIFIED = 0
    """The one that this run is pinned to, if it is."""
    AUTO_UPGRADE = 1
    """The one that new runs begin on now. That is how workflows that are pinned and never end move on."""
    USE_RAMPING_VERSION = 2
    """The ramping one if there is one, whatever the share of the ramp; otherwise as AUTO_UPGRADE."""


@dataclass(frozen=True, kw_only=True)
class ContinueAsNewOptions:
    """How the new run differs from this one. None: not at all."""

    workflow: str | Callable[..., Any] | None
    task_queue: str | None
    run_timeout_ms: int | None
    retry_policy: RetryPolicy | None
    memo: Mapping[str, Any] | None
    search_attributes: SearchAttributes | TypedSearchAttributes | None
    backoff_ms: int
    versioning: ContinueAsNewVersioningBehavior
