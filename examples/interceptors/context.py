"""The tenant on whose behalf a client calls goes along to workflows and their activities, without being an argument.

A context variable has it on all sides. In the log it is a header.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, NoReturn

from foldlog import activity, client, worker, workflow
from foldlog.converter import PayloadConverter

HEADER = "tenant"
tenant: ContextVar[str | None] = ContextVar("tenant", default=None)


def put(input: Any) -> None:
    """The current tenant goes along with a call."""
    name = tenant.get()
    if name is not None:
        input.headers = {**(input.headers or {}), HEADER: PayloadConverter.default.to_payload(name)}


def take(input: Any) -> None:
    """The tenant of a call becomes the current one. Each call has a context of its own, so nothing is put back."""
    payload = input.headers.get(HEADER)
    tenant.set(None if payload is None else PayloadConverter.default.from_payload(payload, str))


class TenantInterceptor(client.Interceptor, worker.Interceptor):
    """For a client; its workers take it from there."""

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:
        return ClientOutbound(next)

    def intercept_activity(self, next: worker.ActivityInboundInterceptor) -> worker.ActivityInboundInterceptor:
        return ActivityInbound(next)

    def workflow_interceptor_class(
        self, input: worker.WorkflowInterceptorClassInput
    ) -> type[worker.WorkflowInboundInterceptor]:
        return WorkflowInbound


class ClientOutbound(client.OutboundInterceptor):
    async def start_workflow(self, input: client.StartWorkflowInput) -> client.WorkflowHandle[Any, Any]:
        put(input)
        return await super().start_workflow(input)

    async def signal_workflow(self, input: client.SignalWorkflowInput) -> None:
        put(input)
        await super().signal_workflow(input)

    async def query_workflow(self, input: client.QueryWorkflowInput) -> Any:
        put(input)
        return await super().query_workflow(input)

    async def start_workflow_update(self, input: client.StartWorkflowUpdateInput) -> client.WorkflowUpdateHandle[Any]:
        put(input)
        return await super().start_workflow_update(input)

    async def start_update_with_start_workflow(
        self, input: client.StartWorkflowUpdateWithStartInput
    ) -> client.WorkflowUpdateHandle[Any]:
        put(input.start_workflow_input)
        put(input.update_workflow_input)
        return await super().start_update_with_start_workflow(input)

    async def create_schedule(self, input: client.CreateScheduleInput) -> client.ScheduleHandle:
        put(input.schedule.action)
        return await super().create_schedule(input)


class ActivityInbound(worker.ActivityInboundInterceptor):
    async def execute_activity(self, input: worker.ExecuteActivityInput) -> Any:
        take(input)
        return await super().execute_activity(input)


class WorkflowInbound(worker.WorkflowInboundInterceptor):
    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        super().init(WorkflowOutbound(outbound))

    async def execute_workflow(self, input: worker.ExecuteWorkflowInput) -> Any:
        take(input)
        return await super().execute_workflow(input)

    async def handle_signal(self, input: worker.HandleSignalInput) -> None:
        take(input)
        await super().handle_signal(input)

    async def handle_query(self, input: worker.HandleQueryInput) -> Any:
        take(input)
        return await super().handle_query(input)

    def handle_update_validator(self, input: worker.HandleUpdateInput) -> None:
        take(input)
        super().handle_update_validator(input)

    async def handle_update_handler(self, input: worker.HandleUpdateInput) -> Any:
        take(input)
        return await super().handle_update_handler(input)


class WorkflowOutbound(worker.WorkflowOutboundInterceptor):
    def start_activity(self, input: worker.StartActivityInput) -> workflow.ActivityHandle[Any]:
        put(input)
        return super().start_activity(input)

    async def start_child_workflow(self, input: worker.StartChildWorkflowInput) -> Any:
        put(input)
        return await super().start_child_workflow(input)

    async def signal_child_workflow(self, input: worker.SignalChildWorkflowInput) -> None:
        put(input)
        await super().signal_child_workflow(input)

    async def signal_external_workflow(self, input: worker.SignalExternalWorkflowInput) -> None:
        put(input)
        await super().signal_external_workflow(input)

    def continue_as_new(self, input: worker.ContinueAsNewInput) -> NoReturn:
        put(input)
        super().continue_as_new(input)

    def start_local_activity(self, input: worker.StartLocalActivityInput) -> workflow.ActivityHandle[Any]:
        put(input)
        return super().start_local_activity(input)


@activity.defn
async def bill(amount: int) -> str:
    """Knows whom to bill without being told."""
    return f"{tenant.get()} owes {amount}"
