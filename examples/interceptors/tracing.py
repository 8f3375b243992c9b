"""A workflow as a trace, printed: `foldlog dev --port 0 -- python -m examples.interceptors.tracing`."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from foldlog import workflow
from foldlog.client import Client
from foldlog.contrib.opentelemetry import TracingInterceptor
from foldlog.worker import Worker
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from examples.interceptors.context import TenantInterceptor, bill, tenant


@workflow.defn
class Billing:
    @workflow.run
    async def run(self, amount: int) -> str:
        return await workflow.execute_activity(bill, amount, start_to_close_timeout=timedelta(seconds=10))


async def main() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
    tracer = provider.get_tracer("billing")
    client = await Client.connect(interceptors=[TracingInterceptor(tracer), TenantInterceptor()])
    async with Worker(client, task_queue="billing", workflows=[Billing], activities=[bill]):
        tenant.set("acme")
        with tracer.start_as_current_span("month's end"):
            print(await client.execute_workflow(Billing.run, 100, id="billing-1", task_queue="billing"))


if __name__ == "__main__":
    asyncio.run(main())
