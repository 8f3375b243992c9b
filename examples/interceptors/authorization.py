"""Calls are signed by clients; workflows refuse what is not signed by somebody who may call them.

Whoever can write to Kafka can write commands. Where that is more than those who may start and tell workflows, a
signature says who did. It covers the workflow, what is called, and with what, so it fits no other call.

A workflow is told its history again for as long as it runs, signatures included. So a key that is no longer used stays
among the `keys` until the last workflow that saw it has ended.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from foldlog import client, worker, workflow
from foldlog.converter import PayloadConverter
from foldlog.exceptions import ApplicationError

HEADER = "signature"


def signature(key: bytes, workflow_id: str, called: str, args: Sequence[Any]) -> str:
    """Over all that must not be changed."""
    parts = [workflow_id.encode(), called.encode()]
    parts += [payload.data for payload in PayloadConverter.default.to_payloads(args)]
    return hmac.new(key, b"".join(b"%d:%s" % (len(part), part) for part in parts), hashlib.sha256).hexdigest()


class SigningInterceptor(client.Interceptor):
    """For the clients of one caller."""

    def __init__(self, caller: str, key: bytes) -> None:
        self.caller = caller
        self.key = key

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:
        return Signing(next, self)


class Signing(client.OutboundInterceptor):
    def __init__(self, next: client.OutboundInterceptor, signer: SigningInterceptor) -> None:
        super().__init__(next)
        self._signer = signer

    def _sign(self, input: Any, called: str) -> None:
        signed = {
            "caller": self._signer.caller,
            "signature": signature(self._signer.key, input.id, called, input.args),
        }
        input.headers = {**input.headers, HEADER: PayloadConverter.default.to_payload(signed)}

    async def start_workflow(self, input: client.StartWorkflowInput) -> client.WorkflowHandle[Any, Any]:
        self._sign(input, f"run {input.workflow}")
        return await super().start_workflow(input)

    async def signal_workflow(self, input: client.SignalWorkflowInput) -> None:
        self._sign(input, f"signal {input.signal}")
        await super().signal_workflow(input)

    async def query_workflow(self, input: client.QueryWorkflowInput) -> Any:
        self._sign(input, f"query {input.query}")
        return await super().query_workflow(input)

    async def start_workflow_update(self, input: client.StartWorkflowUpdateInput) -> client.WorkflowUpdateHandle[Any]:
        self._sign(input, f"update {input.update}")
        return await super().start_workflow_update(input)


class AuthorizationInterceptor(worker.Interceptor):
    """For workers."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Make one.

        Args:
            keys: The callers that may call, and the key of each.
        """
        self.keys = keys

    def workflow_interceptor_class(
        self, input: worker.WorkflowInterceptorClassInput
    ) -> type[worker.WorkflowInboundInterceptor]:
        return type("Authorizing", (Authorizing,), {"keys": self.keys})


class Authorizing(worker.WorkflowInboundInterceptor):
    keys: Mapping[str, bytes]

    def check(self, input: Any, called: str) -> None:
        """Refuse a call.

        Raises:
            ApplicationError: Nobody who may call has signed it.
        """
        payload = input.headers.get(HEADER)
        signed = {} if payload is None else PayloadConverter.default.from_payload(payload, dict[str, str])
        key = self.keys.get(signed.get("caller", ""))
        if key is not None:
            expected = signature(key, workflow.info().workflow_id, called, input.args)
            if hmac.compare_digest(expected, signed.get("signature", "")):
                return
        raise ApplicationError(f"not allowed: {called}", type="Unauthorized", non_retryable=True)

    async def execute_workflow(self, input: worker.ExecuteWorkflowInput) -> Any:
        self.check(input, f"run {workflow.info().workflow_type}")
        return await super().execute_workflow(input)

    async def handle_signal(self, input: worker.HandleSignalInput) -> None:
        try:
            self.check(input, f"signal {input.signal}")
        except ApplicationError as refused:
            # Raised, it would end the workflow, which is what a stranger may want.
            workflow.logger.warning("signal dropped: %s", refused)
            return
        await super().handle_signal(input)

    async def handle_query(self, input: worker.HandleQueryInput) -> Any:
        self.check(input, f"query {input.query}")
        return await super().handle_query(input)

    async def handle_update_handler(self, input: worker.HandleUpdateInput) -> Any:
        # Here and not before the validator: not every update has one.
        self.check(input, f"update {input.update}")
        return await super().handle_update_handler(input)
