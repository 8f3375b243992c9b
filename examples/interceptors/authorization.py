"""Signed calls, and a stranger's: `foldlog dev --port 0 -- python -m examples.interceptors.authorization`.

Calls are signed by clients; workflows refuse what is not signed by somebody who may call them. Whoever can write to
Kafka can write commands. Where that is more than those who may start and tell workflows, a signature says who did. It
covers the workflow, what is called, and with what, so it fits no other call. It does not keep the same call from being
repeated: what must not be has an ID among its arguments.

Workflows sign what they call in turn: children, other workflows, and their own next run. A workflow is told its history
again for as long as it runs, signatures included. So a key that is no longer used stays among the `keys` until the last
workflow that saw it has ended. Workflows of schedules have IDs that nobody knows beforehand: they are refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from foldlog import client, worker, workflow
from foldlog.client import Client
from foldlog.converter import PayloadConverter
from foldlog.exceptions import ApplicationError

HEADER = "signature-"
"""With the kind of call behind it: a start with a signal has two signatures."""


class Signer:
    """One caller, and the key by which others know that it is."""

    def __init__(self, caller: str, key: bytes) -> None:
        self.caller = caller
        self._key = key

    def sign(self, input: Any, workflow_id: str, kind: str, name: str, args: Sequence[Any]) -> None:
        """Put a signature into the headers of a call."""
        signed = {"caller": self.caller, "signature": self.signature(workflow_id, f"{kind} {name}", args)}
        input.headers = {**input.headers, HEADER + kind: PayloadConverter.default.to_payload(signed)}

    def signature(self, workflow_id: str, called: str, args: Sequence[Any]) -> str:
        """Over all that must not be changed. Arguments must be of the types that the workflow declares."""
        parts = [workflow_id.encode(), called.encode()]
        parts += [payload.data for payload in PayloadConverter.default.to_payloads(args)]
        return hmac.new(self._key, b"".join(b"%d:%s" % (len(part), part) for part in parts), hashlib.sha256).hexdigest()


class SigningInterceptor(client.Interceptor):
    """For the clients of one caller."""

    def __init__(self, caller: str, key: bytes) -> None:
        self._signer = Signer(caller, key)

    def intercept_client(self, next: client.OutboundInterceptor) -> client.OutboundInterceptor:
        return Signing(next, self._signer)


class Signing(client.OutboundInterceptor):
    def __init__(self, next: client.OutboundInterceptor, signer: Signer) -> None:
        super().__init__(next)
        self._signer = signer

    async def start_workflow(self, input: client.StartWorkflowInput) -> client.WorkflowHandle[Any, Any]:
        self._signer.sign(input, input.id, "run", input.workflow, input.args)
        if input.start_signal is not None:
            self._signer.sign(input, input.id, "signal", input.start_signal, input.start_signal_args)
        return await super().start_workflow(input)

    async def signal_workflow(self, input: client.SignalWorkflowInput) -> None:
        self._signer.sign(input, input.id, "signal", input.signal, input.args)
        await super().signal_workflow(input)

    async def query_workflow(self, input: client.QueryWorkflowInput) -> Any:
        self._signer.sign(input, input.id, "query", input.query, input.args)
        return await super().query_workflow(input)

    async def start_workflow_update(self, input: client.StartWorkflowUpdateInput) -> client.WorkflowUpdateHandle[Any]:
        self._signer.sign(input, input.id, "update", input.update, input.args)
        return await super().start_workflow_update(input)

    async def start_update_with_start_workflow(
        self, input: client.StartWorkflowUpdateWithStartInput
    ) -> client.WorkflowUpdateHandle[Any]:
        start, update = input.start_workflow_input, input.update_workflow_input
        self._signer.sign(start, start.id, "run", start.workflow, start.args)
        self._signer.sign(update, start.id, "update", update.update, update.args)
        return await super().start_update_with_start_workflow(input)


class AuthorizationInterceptor(worker.Interceptor):
    """For workers."""

    def __init__(self, keys: Mapping[str, bytes], own: str) -> None:
        """Make one.

        Args:
            keys: The callers that may call, and the key of each.
            own: The one of them in whose name workflows call others.
        """
        self._signers = {caller: Signer(caller, key) for caller, key in keys.items()}
        self._own = self._signers[own]

    def workflow_interceptor_class(
        self, input: worker.WorkflowInterceptorClassInput
    ) -> type[worker.WorkflowInboundInterceptor]:
        return type("Authorizing", (Authorizing,), {"signers": self._signers, "own": self._own})


class Authorizing(worker.WorkflowInboundInterceptor):
    signers: Mapping[str, Signer]
    own: Signer

    def init(self, outbound: worker.WorkflowOutboundInterceptor) -> None:
        super().init(SigningWorkflow(outbound, self.own))

    def check(self, input: Any, kind: str, name: str) -> None:
        """Refuse a call.

        Raises:
            ApplicationError: Nobody who may call has signed it.
        """
        payload = input.headers.get(HEADER + kind)
        signed = {} if payload is None else PayloadConverter.default.from_payload(payload, dict[str, str])
        signer = self.signers.get(signed.get("caller", ""))
        if signer is not None:
            expected = signer.signature(workflow.info().workflow_id, f"{kind} {name}", input.args)
            if hmac.compare_digest(expected, signed.get("signature", "")):
                return
        raise ApplicationError(f"not allowed: {kind} {name}", type="Unauthorized", non_retryable=True)

    async def execute_workflow(self, input: worker.ExecuteWorkflowInput) -> Any:
        self.check(input, "run", workflow.info().workflow_type)
        return await super().execute_workflow(input)

    async def handle_signal(self, input: worker.HandleSignalInput) -> None:
        try:
            self.check(input, "signal", input.signal)
        except ApplicationError as refused:
            # Raised, it would end the workflow, which is what a stranger may want.
            workflow.logger.warning("signal dropped: %s", refused)
            return
        await super().handle_signal(input)

    async def handle_query(self, input: worker.HandleQueryInput) -> Any:
        self.check(input, "query", input.query)
        return await super().handle_query(input)

    def handle_update_validator(self, input: worker.HandleUpdateInput) -> None:
        self.check(input, "update", input.update)  # what is refused here leaves no trace
        super().handle_update_validator(input)

    async def handle_update_handler(self, input: worker.HandleUpdateInput) -> Any:
        self.check(input, "update", input.update)  # not every update has a validator
        return await super().handle_update_handler(input)


class SigningWorkflow(worker.WorkflowOutboundInterceptor):
    def __init__(self, next: worker.WorkflowOutboundInterceptor, signer: Signer) -> None:
        super().__init__(next)
        self._signer = signer

    async def start_child_workflow(self, input: worker.StartChildWorkflowInput) -> Any:
        self._signer.sign(input, input.id, "run", input.workflow, input.args)
        return await super().start_child_workflow(input)

    async def signal_child_workflow(self, input: worker.SignalChildWorkflowInput) -> None:
        self._signer.sign(input, input.child_workflow_id, "signal", input.signal, input.args)
        await super().signal_child_workflow(input)

    async def signal_external_workflow(self, input: worker.SignalExternalWorkflowInput) -> None:
        self._signer.sign(input, input.workflow_id, "signal", input.signal, input.args)
        await super().signal_external_workflow(input)

    def continue_as_new(self, input: worker.ContinueAsNewInput) -> NoReturn:
        info = self.info()
        self._signer.sign(input, info.workflow_id, "run", input.workflow or info.workflow_type, input.args)
        super().continue_as_new(input)


@workflow.defn
class Vault:
    """Opens for whoever may open it."""

    def __init__(self) -> None:
        self._opened_by: str | None = None

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self._opened_by is not None)
        return f"opened by {self._opened_by}"

    @workflow.signal
    def open(self, who: str) -> None:
        self._opened_by = who


async def run(owner: Client, stranger: Client, keys: Mapping[str, bytes]) -> list[str]:
    """What becomes of the calls of both. The worker needs no key to run; its workflows call in the owner's name."""
    authorizing = AuthorizationInterceptor(keys, own="owner")
    async with worker.Worker(stranger, task_queue="vaults", workflows=[Vault], interceptors=[authorizing]):
        handle = await owner.start_workflow(Vault.run, id="vault-1", task_queue="vaults")
        await stranger.get_workflow_handle("vault-1").signal("open", "a stranger")
        await handle.signal(Vault.open, "its owner")
        lines = [await handle.result()]
        try:
            await stranger.execute_workflow(Vault.run, id="vault-2", task_queue="vaults")
        except client.WorkflowFailureError as error:
            lines.append(str(error.cause))
        return lines


async def main() -> None:
    keys = {"owner": b"a secret of the owner's clients, and of the workers"}
    async with (
        await Client.connect(interceptors=[SigningInterceptor("owner", keys["owner"])]) as owner,
        await Client.connect() as stranger,
    ):
        print(*await run(owner, stranger, keys), sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
