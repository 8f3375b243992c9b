"""Attempts of activities with interceptors around their code. Only used where a worker has some."""

from __future__ import annotations

from inspect import iscoroutinefunction
from typing import Any

from foldlog.activity import Info
from foldlog.interceptor import (
    ActivityInboundInterceptor,
    ActivityOutboundInterceptor,
    ExecuteActivityInput,
    Headers,
)
from foldlog.worker.attempt import Attempt
from foldlog.worker.calls import Calls
from foldlog.worker.registry import Registered


async def call(
    calls: Calls, attempt: Attempt, activity: Registered, args: list[Any], details: list[Any], headers: Headers
) -> Any:
    """Call an activity by way of all interceptors.

    Args:
        calls: How activities are called, and its interceptors.
        attempt: The attempt.
        activity: What to call.
        args: Its arguments.
        details: Of the last heartbeat of the attempt before.
        headers: What came along with the task.
    """
    end = _Inbound(calls, attempt, activity, details)
    inbound: ActivityInboundInterceptor = end
    for interceptor in reversed(calls.interceptors):
        inbound = interceptor.intercept_activity(inbound)
    inbound.init(_Outbound(calls, attempt, details))
    # Also interceptors may ask for the activity's info and converter.
    calls.enter(attempt, details, end.outbound)
    executor = None if activity.is_async else calls.executor
    return await inbound.execute_activity(ExecuteActivityInput(activity.function, args, executor, headers))


class _Inbound(ActivityInboundInterceptor):
    """The end of the inbound chain: the code itself."""

    outbound: ActivityOutboundInterceptor

    def __init__(self, calls: Calls, attempt: Attempt, activity: Registered, details: list[Any]) -> None:
        self._calls = calls
        self._attempt = attempt
        self._activity = activity
        self._details = details

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        self.outbound = outbound

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        # An interceptor may have put another function around it.
        if iscoroutinefunction(input.fn) or iscoroutinefunction(getattr(input.fn, "__call__", None)):  # noqa: B004
            return await input.fn(*input.args)
        activity = self._activity._replace(function=input.fn)
        return await self._calls.in_executor(self._attempt, activity, list(input.args), self._details, self.outbound)


class _Outbound(ActivityOutboundInterceptor):
    """The end of the outbound chain."""

    def __init__(self, calls: Calls, attempt: Attempt, details: list[Any]) -> None:
        self._calls = calls
        self._attempt = attempt
        self._details = details

    def info(self) -> Info:
        return self._calls.info(self._attempt, self._details)

    def heartbeat(self, *details: Any) -> None:
        self._calls.heartbeat(self._attempt, *details)
