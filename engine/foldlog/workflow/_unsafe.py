"""Ways around the guard, and what else workflow code should not need to know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Flag, auto

from foldlog.workflow._runtime import current

__all__ = ["SandboxImportNotificationPolicy", "unsafe"]

UNRESTRICTED: ContextVar[bool] = ContextVar("foldlog_unrestricted", default=False)
"""Whether the guard lets everything through in this task and in tasks that it starts."""


class SandboxImportNotificationPolicy(Flag):
    """What Temporal's sandbox says of imports. Has no meaning here: modules are never loaded anew for workflows."""

    SILENT = auto()
    WARN_ON_DYNAMIC_IMPORT = auto()
    WARN_ON_UNINTENTIONAL_PASSTHROUGH = auto()
    RAISE_ON_UNINTENTIONAL_PASSTHROUGH = auto()


_IMPORT_POLICY: ContextVar[SandboxImportNotificationPolicy | None] = ContextVar("foldlog_import_policy", default=None)


class unsafe:  # the name that Temporal's SDK gives it
    """Functions that workflow code needs only in unusual cases."""

    @staticmethod
    def in_sandbox() -> bool:
        """False: there is no sandbox, but for the guard."""
        return False

    @staticmethod
    def is_replaying() -> bool:
        """Whether history is told to the workflow again. Code that decides by it cannot be replayed."""
        return current().is_replaying()

    @staticmethod
    def is_replaying_history_events() -> bool:
        """The same: what queries and validators do is new, whenever they are asked."""
        return current().is_replaying()

    @staticmethod
    def is_read_only() -> bool:
        """Whether a query handler, a validator or a condition runs, where nothing can be decided."""
        return current().is_read_only()

    @staticmethod
    def is_sandbox_unrestricted() -> bool:
        """Whether the guard lets everything through here."""
        return UNRESTRICTED.get()

    @staticmethod
    @contextmanager
    def sandbox_unrestricted() -> Iterator[None]:
        """Let files, sockets and so on through the guard in this block: what it does must not change any decision."""
        token = UNRESTRICTED.set(True)
        try:
            yield
        finally:
            UNRESTRICTED.reset(token)

    @staticmethod
    @contextmanager
    def imports_passed_through() -> Iterator[None]:
        """Does nothing, since modules are never reloaded for workflows. For code that comes from Temporal."""
        yield

    @staticmethod
    def is_imports_passed_through() -> bool:
        """True: all imports are, always."""
        return True

    @staticmethod
    @contextmanager
    def sandbox_import_notification_policy(policy: SandboxImportNotificationPolicy) -> Iterator[None]:
        """Changes nothing but what `current_import_notification_policy_override` gives in this block.

        Args:
            policy: What that is.
        """
        token = _IMPORT_POLICY.set(policy)
        try:
            yield
        finally:
            _IMPORT_POLICY.reset(token)

    @staticmethod
    def current_import_notification_policy_override() -> SandboxImportNotificationPolicy | None:
        """What the innermost `sandbox_import_notification_policy` was given; None: there is none around."""
        return _IMPORT_POLICY.get()
