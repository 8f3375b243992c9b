"""A client's interceptors: what they see, what they may change, and what comes of it in the commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from foldlog import converter
from foldlog.client import (
    Client,
    ClientConfig,
    ConnectConfig,
    Interceptor,
    OutboundInterceptor,
    Plugin,
    QueryWorkflowInput,
    SignalWorkflowInput,
    StartWorkflowInput,
)
from foldlog.common import WorkflowIDReusePolicy
from foldlog.converter import DataConverter
from foldlog.exceptions import ConfigurationError
from foldlog.plugin import SimplePlugin
from foldlog.schemas import command, reply
from foldlog.schemas.records import Reply
from foldlog.transport import Transport

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
        self, config: ConnectConfig, next: Callable[[ConnectConfig], Awaitable[Transport]]
    ) -> Transport:
        self._log.append(f"{self._name} {config.namespace}")
        return await next(replace(config, namespace=f"{config.namespace}-{self._name}"))


async def test_plugins_change_clients_and_connecting_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    transport = ScriptedTransport(answer)

    async def connect(config: ConnectConfig) -> Transport:
        log.append(config.namespace)
        return transport

    monkeypatch.setattr("foldlog.client._plugin._connect", connect)
    plugins = [Renaming("a", log), Renaming("b", log)]
    client = await Client.connect("localhost:1", namespace="n", identity="me", plugins=plugins)
    assert log == ["a n", "b n-a", "n-a-b"]
    assert client.identity == "me a b"
    assert client.config()["identity"] == "me"
    assert client.config(active_config=True)["identity"] == "me a b"


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
