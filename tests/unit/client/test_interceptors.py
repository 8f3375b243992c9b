"""A client's interceptors: what they see, what they may change, and what comes of it in the commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from foldlog import converter
from foldlog.client import (
    Client,
    ClientConfig,
    FetchWorkflowHistoryEventsInput,
    HeaderCodecBehavior,
    Interceptor,
    OutboundInterceptor,
    Plugin,
    QueryWorkflowInput,
    RPCError,
    SignalWorkflowInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    StartWorkflowUpdateWithStartInput,
    WithStartWorkflowOperation,
    WorkflowContinuedAsNewError,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowHistoryEventFilterType,
    WorkflowUpdateHandle,
    WorkflowUpdateStage,
)
from foldlog.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from foldlog.converter import DataConverter
from foldlog.converter.encryption import AESGCMCodec
from foldlog.exceptions import ConfigurationError, WorkflowNotFoundError
from foldlog.plugin import SimplePlugin
from foldlog.schemas import command, reply
from foldlog.schemas.common import Failure
from foldlog.schemas.event import WorkflowExecutionCompleted, WorkflowExecutionStarted
from foldlog.schemas.records import Event, Reply
from foldlog.service import ConnectConfig, ServiceClient
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import Topics

from .scripted import ScriptedTransport
from .workflows import OneParam, Order, TwoParams

HEADER = {"h": converter.PayloadConverter.default.to_payload("v")}


def answer(workflow_id: str, wanted: Any) -> Reply:
    if isinstance(wanted, command.QueryWorkflow):
        return reply.QueryAnswer(correlation_id=0, result=HEADER["h"])
    if isinstance(wanted, command.AwaitResult):
        return reply.WorkflowResult(correlation_id=0, run_id="run-1", status="COMPLETED", result=HEADER["h"])
    return reply.Accepted(correlation_id=0, run_id="run-1", started=True)


class Adding(Interceptor):
    """Adds a header, and remembers the inputs."""

    def __init__(self, name: str = "h", **changes: Any) -> None:
        self.name = name
        self.changes = changes
        self.seen: list[Any] = []

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return AddingOutbound(next, self)


class AddingOutbound(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, adding: Adding) -> None:
        super().__init__(next)
        self.adding = adding

    def change(self, input: Any) -> Any:
        self.adding.seen.append(input)
        return replace(input, headers={**input.headers, self.adding.name: HEADER["h"]}, **self.adding.changes)

    async def start_workflow(self, input: StartWorkflowInput) -> Any:
        return await super().start_workflow(self.change(input))

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:
        await super().signal_workflow(self.change(input))

    async def query_workflow(self, input: QueryWorkflowInput) -> Any:
        return await super().query_workflow(self.change(input))


def client_with(*interceptors: Interceptor, **options: Any) -> tuple[Client, ScriptedTransport]:
    transport = ScriptedTransport(answer)
    return Client(transport, identity="me", interceptors=interceptors, **options), transport


def sent_by(transport: ScriptedTransport) -> list[Any]:
    """The commands that went out."""
    return [sent for _, _, sent in transport.asked]


async def test_options_of_a_start_pass_through_unchanged() -> None:
    adding = Adding()
    client, transport = client_with(adding)
    options: dict[str, Any] = {
        "run_timeout": timedelta(seconds=3),
        "id_reuse_policy": WorkflowIDReusePolicy.REJECT_DUPLICATE,
        "memo": {"a": 1},
        "request_id": "r1",
    }
    handle = await client.start_workflow(OneParam.run, Order("book", 2), id="w", task_queue="q", **options)
    plainly = ScriptedTransport(answer)
    plain = Client(plainly, identity="me")
    await plain.start_workflow(OneParam.run, Order("book", 2), id="w", task_queue="q", **options)
    (sent,), (expected,) = sent_by(transport), sent_by(plainly)
    assert sent.options is not None
    assert sent.options.header == HEADER
    sent.options = None
    assert sent == expected
    (seen,) = adding.seen
    assert (seen.workflow, seen.id, seen.memo, seen.headers) == ("orders", "w", {"a": 1}, {})
    assert (handle.id, handle.result_run_id) == ("w", "run-1")


async def test_handles_of_a_client_with_interceptors_have_them() -> None:
    adding = Adding()
    client, transport = client_with(adding, Adding("second"))
    handle = await client.start_workflow(TwoParams.run, args=["a", 1], id="w", task_queue="q")
    await handle.signal("said", "x")
    assert await handle.query("asked", result_type=str) == "v"
    await client.get_workflow_handle("w").signal("said")
    for sent in sent_by(transport)[1:]:
        assert set(sent.header) == {"h", "second"}
    assert [type(seen).__name__ for seen in adding.seen] == [
        "StartWorkflowInput",
        "SignalWorkflowInput",
        "QueryWorkflowInput",
        "SignalWorkflowInput",
    ]


async def test_execute_is_a_start_and_a_wait() -> None:
    adding = Adding(args=[Order("changed", 1)])
    client, transport = client_with(adding)
    await client.execute_workflow("OneParam", Order("book", 1), id="w", task_queue="q", result_type=str)
    assert [type(sent) for sent in sent_by(transport)] == [command.StartWorkflow, command.AwaitResult]
    assert b"changed" in sent_by(transport)[0].args[0].data


async def test_what_does_not_fit_is_refused_as_without_interceptors() -> None:
    client, transport = client_with(Adding())
    with pytest.raises(ValueError, match="either one argument or args"):
        await client.start_workflow("W", 1, args=[1], id="w", task_queue="q")
    with pytest.raises(TypeError, match="unknown options: nosuch"):
        await client.start_workflow("W", id="w", task_queue="q", nosuch=1)  # type: ignore[call-overload]  # so it is
    assert sent_by(transport) == []


def test_a_config_makes_another_client_like_it() -> None:
    client, _ = client_with(Adding())
    again = Client(**client.config())
    assert again.config() == client.config()
    assert Client(service_client=client.service_client).transport is client.config()["service_client"]
    with pytest.raises(ConfigurationError, match="the transport is of namespace"):
        Client(client.transport, namespace="other")


class Renaming(Plugin):
    def __init__(self, name: str, log: list[str]) -> None:
        self._name = name
        self._log = log

    def configure_client(self, config: ClientConfig) -> ClientConfig:
        config["identity"] += f" {self._name}"
        return config

    async def connect_service_client(
        self, config: ConnectConfig, next: Callable[[ConnectConfig], Awaitable[ServiceClient]]
    ) -> ServiceClient:
        self._log.append(f"{self._name} {config.namespace}")
        return await next(replace(config, namespace=f"{config.namespace}-{self._name}"))


async def test_plugins_change_clients_and_connecting_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    transport = ScriptedTransport(answer)

    async def connect(config: ConnectConfig) -> ServiceClient:
        log.append(config.namespace)
        return transport

    monkeypatch.setattr("foldlog.client._plugin._connect", connect)
    plugins = [Renaming("a", log), Renaming("b", log)]
    client = await Client.connect("localhost:1", namespace="n", identity="me", plugins=plugins)
    assert log == ["a n", "b n-a", "n-a-b"]
    assert client.identity == "me a b"
    assert client.config()["identity"] == "me"
    assert client.config(active_config=True)["identity"] == "me a b"


class Setting(Renaming):
    """Sets what a plugin for Temporal's client would."""

    def __init__(self, **values: Any) -> None:
        super().__init__("setting", [])
        self._values = values

    async def connect_service_client(
        self, config: ConnectConfig, next: Callable[[ConnectConfig], Awaitable[ServiceClient]]
    ) -> ServiceClient:
        for name, value in self._values.items():
            assert hasattr(config, name)
            setattr(config, name, value)
        return await next(config)


async def test_a_plugin_sets_address_and_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    transport = ScriptedTransport(answer)

    async def opening(config: KafkaConfig, topics: Topics, *, codec: Any, timeout: float) -> ScriptedTransport:
        opened.append((config.bootstrap_servers, dict(config.options), topics.namespace, timeout))
        return transport

    monkeypatch.setattr("foldlog.client._plugin.Connection.open", opening)
    plugin = Setting(target_host="other:2", tls=True, rpc_metadata={"a": "b"}, connect_timeout=timedelta(seconds=3))
    await Client.connect("localhost:1", kafka_options={"client.id": "me"}, namespace="n", plugins=[plugin])
    assert opened == [("other:2", {"client.id": "me", "security.protocol": "ssl"}, "n", 3)]
    with pytest.raises(ConfigurationError, match="Kafka knows no API keys"):
        await Client.connect("localhost:1", plugins=[Setting(api_key="key")])
    assert len(opened) == 1


def test_a_simple_plugin_adds_and_replaces() -> None:
    first, second = Adding(), Adding()
    mine = DataConverter(payload_converter_class=converter.DefaultPayloadConverter)
    client, _ = client_with(first, plugins=[SimplePlugin("p", interceptors=[second], data_converter=mine)])
    config = client.config(active_config=True)
    assert list(config["interceptors"]) == [first, second]
    assert client.data_converter is mine
    alone = SimplePlugin("p", interceptors=lambda given: [second], data_converter=lambda given: given)
    client, _ = client_with(first, plugins=[alone])
    assert list(client.config(active_config=True)["interceptors"]) == [second]
    assert client.data_converter is DataConverter.default


def of_updates(workflow_id: str, wanted: Any) -> Reply:
    update: Any = wanted.update if isinstance(wanted, command.StartWorkflow) else wanted
    update_id = update.update_id
    answered = reply.UpdateReply(
        correlation_id=0, run_id="run-1", update_id=update_id, first_execution_run_id="run-0", stage="ACCEPTED"
    )
    if isinstance(wanted, command.UpdateWorkflow | command.AwaitUpdate) and wanted.await_completed:
        answered.stage, answered.result = "COMPLETED", HEADER["h"]
    return answered


class AddingToUpdates(Interceptor):
    """Adds headers to updates and starts, another one to each, and remembers the inputs."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return UpdatesOutbound(next, self)


class UpdatesOutbound(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, adding: AddingToUpdates) -> None:
        super().__init__(next)
        self.adding = adding

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:
        self.adding.seen.append(input)
        return await super().start_workflow_update(replace(input, headers=HEADER, args=["changed"]))

    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        self.adding.seen.append(input)
        if input.start_workflow_input.workflow == "Refused":
            raise PermissionError("not this one")
        input.start_workflow_input.headers = {"start": HEADER["h"]}
        input.update_workflow_input.headers = {"update": HEADER["h"]}
        return await super().start_update_with_start_workflow(input)


async def test_updates_go_by_way_of_interceptors() -> None:
    adding = AddingToUpdates()
    transport = ScriptedTransport(of_updates)
    client = Client(transport, identity="me", interceptors=[adding])
    handle = client.get_workflow_handle("w", run_id="r", first_execution_run_id="f")
    assert await handle.execute_update("put", "x", id="u", result_type=str) == "v"
    (sent,) = sent_by(transport)
    assert (sent.update_id, sent.update_name, sent.run_id, sent.first_execution_run_id) == ("u", "put", "r", "f")
    assert (sent.header, sent.args[0].data, sent.await_completed) == (HEADER, b'"changed"', True)
    (seen,) = adding.seen
    assert (seen.id, seen.update_id, seen.update, seen.args, seen.headers) == ("w", "u", "put", ["x"], {})
    assert seen.wait_for_stage is WorkflowUpdateStage.COMPLETED
    begun = await handle.start_update("put", "x", wait_for_stage=WorkflowUpdateStage.ACCEPTED, result_type=str)
    assert await begun.result() == "v"
    assert [type(each) for each in sent_by(transport)[1:]] == [command.UpdateWorkflow, command.AwaitUpdate]


async def test_both_halves_of_an_update_with_start_have_headers_of_their_own() -> None:
    transports = [ScriptedTransport(of_updates), ScriptedTransport(of_updates)]
    adding = AddingToUpdates()
    for transport, interceptors in zip(transports, ([adding], []), strict=True):
        client = Client(transport, identity="me", interceptors=interceptors)
        operation = WithStartWorkflowOperation[Any, Any](
            "W",
            args=["a", 1],
            id="w",
            task_queue="q",
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            run_timeout=timedelta(seconds=3),
            memo={"a": 1},
        )
        result = await client.execute_update_with_start_workflow(
            "put", "x", start_workflow_operation=operation, id="u", result_type=str
        )
        assert result == "v"
        found = await operation.workflow_handle()
        assert (found.id, found.result_run_id, found.first_execution_run_id) == ("w", "run-1", "run-0")
    (sent, _), (expected, _) = map(sent_by, transports)
    assert sent.options.header == {"start": HEADER["h"]}
    assert sent.update.header == {"update": HEADER["h"]}
    sent.options, sent.update.header, sent.request_id = None, {}, expected.request_id
    assert sent == expected
    (seen,) = adding.seen
    assert (seen.start_workflow_input.workflow, seen.start_workflow_input.memo) == ("W", {"a": 1})
    assert (seen.update_workflow_input.update, seen.update_workflow_input.args) == ("put", ["x"])


async def test_what_an_interceptor_refuses_is_told_to_whoever_wants_the_handle() -> None:
    transport = ScriptedTransport(of_updates)
    client = Client(transport, interceptors=[AddingToUpdates()])
    operation = WithStartWorkflowOperation[Any, Any](
        "Refused", id="w", task_queue="q", id_conflict_policy=WorkflowIDConflictPolicy.FAIL
    )
    for asked in (
        client.execute_update_with_start_workflow("put", start_workflow_operation=operation),
        operation.workflow_handle(),
    ):
        with pytest.raises(PermissionError, match="not this one"):
            await asked
    assert sent_by(transport) == []


async def test_a_start_with_a_signal_has_one_header_for_both() -> None:
    adding = Adding(start_signal_args=["changed"])
    client, transport = client_with(adding)
    await client.start_workflow("W", id="w", task_queue="q", start_signal="said", start_signal_args=["x"])
    (sent,) = sent_by(transport)
    assert (sent.signal.header, sent.options.header) == (HEADER, HEADER)
    assert (sent.signal.signal_name, sent.signal.args[0].data) == ("said", b'"changed"')
    assert (adding.seen[0].start_signal, adding.seen[0].start_signal_args) == ("said", ["x"])


async def test_headers_of_updates_go_through_the_codec_where_that_is_wanted() -> None:
    transport = ScriptedTransport(of_updates)
    client = Client(
        transport,
        interceptors=[AddingToUpdates()],
        data_converter=DataConverter(payload_codec=AESGCMCodec({"k": b"k" * 32})),
        header_codec_behavior=HeaderCodecBehavior.CODEC,
    )
    handle = client.get_workflow_handle("w")
    await handle.start_update("put", wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    operation = WithStartWorkflowOperation[Any, Any](
        "W", id="w", task_queue="q", id_conflict_policy=WorkflowIDConflictPolicy.FAIL
    )
    await client.start_update_with_start_workflow(
        "put", start_workflow_operation=operation, wait_for_stage=WorkflowUpdateStage.ACCEPTED
    )
    update, start = sent_by(transport)
    headers = [update.header["h"], start.options.header["start"], start.update.header["update"]]
    assert {payload.encoding for payload in headers} == {"binary/encrypted"}


def ends(workflow_id: str, wanted: Any) -> Reply:
    """Each workflow ends as its ID says; the first run of `continued` has a next one."""
    if not isinstance(wanted, command.AwaitResult):
        return reply.Accepted(correlation_id=0, run_id="run-1", started=True)
    ended = reply.WorkflowResult(correlation_id=0, run_id=wanted.run_id or "run-1", status=workflow_id.upper())
    if workflow_id == "completed":
        ended.result = HEADER["h"]
    elif workflow_id == "continued_as_new":
        ended.new_run_id = "run-2"
        if wanted.run_id == "run-2":
            ended.status, ended.new_run_id, ended.result = "COMPLETED", "", HEADER["h"]
    else:
        kinds: dict[str, Any] = {"timed_out": "TIMEOUT", "failed": "APPLICATION"}
        kind = kinds.get(workflow_id, workflow_id.upper())
        ended.failure = Failure(kind=kind, message="so it is")
        if kind == "TIMEOUT":
            ended.failure = Failure(kind=kind, message="workflow run timeout", timeout_type="START_TO_CLOSE")
        elif kind == "CANCELED":
            ended.failure.message = "Workflow cancelled"
            ended.failure.details = [HEADER["h"]]
    return ended


class Waiting(Interceptor, OutboundInterceptor):
    """Sees who waits for a result, and maybe makes the input anew, as if it knew only what Temporal's has."""

    def __init__(self, *, anew: bool = False, given: Sequence[Event] | None = None) -> None:
        self.anew = anew
        self.given = given
        self.seen: list[FetchWorkflowHistoryEventsInput] = []

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        self.next = next
        return self

    async def fetch_workflow_history_events(self, input: FetchWorkflowHistoryEventsInput) -> AsyncIterator[Event]:
        self.seen.append(input)
        if self.anew:
            input = FetchWorkflowHistoryEventsInput(
                id=input.id,
                run_id=input.run_id,
                wait_new_event=input.wait_new_event,
                event_filter_type=input.event_filter_type,
            )
        if self.given is not None:
            for event in self.given:
                yield event
            return
        async for event in self.next.fetch_workflow_history_events(input):
            yield event


async def outcome(handle: WorkflowHandle[Any, Any], **options: Any) -> Any:
    try:
        return await handle.result(**options)
    except WorkflowFailureError as error:
        cause: Any = error.cause
        return type(cause), str(cause), getattr(cause, "details", None), getattr(cause, "type", None)
    except WorkflowContinuedAsNewError as error:
        return error.new_execution_run_id


@pytest.mark.parametrize("anew", [False, True], ids=["passed on", "made anew"])
@pytest.mark.parametrize("follow_runs", [False, True])
@pytest.mark.parametrize("end", ["completed", "failed", "canceled", "terminated", "timed_out", "continued_as_new"])
async def test_waiting_for_a_result_goes_by_way_of_interceptors(end: str, follow_runs: bool, anew: bool) -> None:
    waiting = Waiting(anew=anew)
    client = Client(ScriptedTransport(ends), interceptors=[waiting])
    plain = Client(ScriptedTransport(ends))
    expected = await outcome(plain.get_workflow_handle(end, result_type=str), follow_runs=follow_runs)
    handle = client.get_workflow_handle(end, result_type=str)
    assert await outcome(handle, follow_runs=follow_runs, rpc_metadata={"a": "b"}) == expected
    runs = [None, "run-2"] if end == "continued_as_new" and follow_runs else [None]
    assert [seen.run_id for seen in waiting.seen] == runs
    first = waiting.seen[0]
    assert (first.id, first.rpc_metadata, first.wait_new_event, first.skip_archival) == (end, {"a": "b"}, True, True)
    assert first.event_filter_type is WorkflowHistoryEventFilterType.CLOSE_EVENT


@pytest.mark.parametrize("anew", [False, True], ids=["passed on", "made anew"])
async def test_the_chain_of_a_run_that_is_forgotten_is_found(anew: bool) -> None:
    """Processors know it still, if they are told that the chain is meant."""

    def answer(workflow_id: str, wanted: Any) -> Reply:
        if wanted.follow_runs:
            return ends("completed", wanted)
        return reply.Rejected(correlation_id=0, code="NOT_FOUND", message="it is not known")

    client = Client(ScriptedTransport(answer), interceptors=[Waiting(anew=anew)])
    handle = client.get_workflow_handle("w", run_id="first", result_type=str)
    if anew:
        with pytest.raises(WorkflowNotFoundError):
            await handle.result()
    else:
        assert await handle.result() == "v"
    with pytest.raises(WorkflowNotFoundError):
        await handle.result(follow_runs=False)


async def test_whoever_executes_a_workflow_waits_by_way_of_interceptors_too() -> None:
    waiting = Waiting()
    client = Client(ScriptedTransport(ends), interceptors=[waiting])
    options: dict[str, Any] = {"rpc_metadata": {"a": "b"}, "rpc_timeout": timedelta(seconds=7)}
    assert await client.execute_workflow("W", id="completed", task_queue="q", result_type=str, **options) == "v"
    (seen,) = waiting.seen
    assert (seen.id, seen.run_id, seen.rpc_metadata) == ("completed", "run-1", {"a": "b"})
    assert seen.rpc_timeout == timedelta(seconds=7)


async def test_an_interceptor_may_give_the_end_of_a_workflow() -> None:
    other = WorkflowExecutionCompleted(result=converter.PayloadConverter.default.to_payload("another"))
    waiting = Waiting(given=[WorkflowExecutionStarted(workflow_type="W", task_queue="q"), other])
    transport = ScriptedTransport(ends)
    client = Client(transport, interceptors=[waiting])
    assert await client.get_workflow_handle("failed").result() == "another"
    waiting.given = []
    with pytest.raises(RPCError, match="no event with which the workflow ends"):
        await client.get_workflow_handle("failed").result()
    assert transport.asked == []
