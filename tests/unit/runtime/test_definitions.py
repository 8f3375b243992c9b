"""Decorators: what they take, and what is wrong is said when the class is made, not when it runs."""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from foldlog import workflow
from foldlog.common import RawValue
from foldlog.exceptions import DefinitionError
from foldlog.runtime import WorkflowRuntime
from foldlog.workflow._definition import Definition
from foldlog.workflow._handlers import QueryDefinition, SignalDefinition

if TYPE_CHECKING:
    from decimal import Decimal


class Base:
    @workflow.run
    async def run(self) -> None:
        pass

    @workflow.signal
    def notify(self) -> None:
        pass

    @workflow.query
    def ask(self) -> int:
        return 1


@workflow.defn(name="order-v2", failure_exception_types=[KeyError])
class Order(Base):
    @workflow.run
    async def run(self) -> None:
        pass

    @workflow.signal(name="cancel-order")
    async def cancel(self, reason: str) -> None:
        pass


@workflow.defn
class Default:
    @workflow.run
    async def run(self, number: int) -> str:
        return str(number)

    @workflow.signal(dynamic=True)
    def any_signal(self, name: str, args: Sequence[RawValue]) -> None:
        pass


def test_the_sequence_of_a_dynamic_method_may_be_the_one_of_typing() -> None:
    @workflow.defn(dynamic=True)
    class Any_:
        @workflow.run
        async def run(self, args: typing.Sequence[RawValue]) -> None:  # what the test is about
            pass

        @workflow.query(dynamic=True)
        def ask(self, name: str, args: typing.Sequence[RawValue]) -> None:  # likewise
            pass

    Definition.must_from_class(Any_).check_signatures()


def test_what_is_noted_down() -> None:
    definition = vars(workflow)["_Definition"].must_from_class(Order)
    assert type(definition) is Definition
    assert definition.name == "order-v2"
    assert set(definition.signals) == {"notify", "cancel-order"}
    assert set(definition.queries) == {"ask"}
    assert definition.failure_exception_types == (KeyError,)
    assert definition.guarded
    assert Definition.must_from_run_fn(Order.run) is definition
    assert Definition.name_and_result_type(Default.run) == ("Default", str)
    assert Definition.name_and_result_type("by name") == ("by name", None)
    assert SignalDefinition.name_of(Order.cancel) == "cancel-order"
    assert SignalDefinition.name_of("x") == "x"
    assert QueryDefinition.name_of(Order.ask) == "ask"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Definition.must_from_class(Base), "Base has no @workflow.defn"),
        (lambda: Definition.must_from_run_fn(Base.run), "needs @workflow.run, and its class @workflow.defn"),
        (lambda: SignalDefinition.name_of(Order.run), "has no @workflow.signal"),
        (lambda: SignalDefinition.name_of(Default.any_signal), "dynamic signal handler"),
        (lambda: QueryDefinition.name_of(Order.cancel), "has no @workflow.query"),
        (lambda: WorkflowRuntime([Order, Base], namespace="n"), "Base has no @workflow.defn"),
        (lambda: WorkflowRuntime([Order, Order], namespace="n"), "two workflows are named order-v2"),
    ],
)
def test_what_is_not_decorated_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        call()


def test_a_subclass_needs_its_own_decorator() -> None:
    class Child(Order):
        pass

    assert Definition.from_class(Child) is None


# ---- what is wrong with a class


def no_run() -> Any:
    @workflow.defn
    class Wrong:
        pass


def not_async() -> Any:
    @workflow.defn
    class Wrong:
        @workflow.run  # type: ignore[type-var]  # this is what is wrong
        def run(self) -> None:
            pass


def two_runs() -> Any:
    @workflow.defn
    class Wrong:
        @workflow.run
        async def first(self) -> None:
            pass

        @workflow.run
        async def second(self) -> None:
            pass


def run_only_on_base() -> Any:
    @workflow.defn
    class Wrong(Base):
        pass


def run_overridden_bare() -> Any:
    @workflow.defn
    class Wrong(Base):
        async def run(self) -> None:
            pass


def signal_overridden_bare() -> Any:
    @workflow.defn
    class Wrong(Base):
        @workflow.run
        async def run(self) -> None:
            pass

        def notify(self) -> None:
            pass


def same_signal_twice() -> Any:
    @workflow.defn
    class Wrong:
        @workflow.run
        async def run(self) -> None:
            pass

        @workflow.signal
        def go(self) -> None:
            pass

        @workflow.signal(name="go")
        def start(self) -> None:
            pass


def two_dynamic_queries() -> Any:
    @workflow.defn
    class Wrong:
        @workflow.run
        async def run(self) -> None:
            pass

        @workflow.query(dynamic=True)
        def first(self, name: str, args: Sequence[RawValue]) -> None:
            pass

        @workflow.query(dynamic=True)
        def second(self, name: str, args: Sequence[RawValue]) -> None:
            pass


def decorated_twice() -> Any:
    @workflow.defn
    @workflow.defn
    class Wrong:
        @workflow.run
        async def run(self) -> None:
            pass


def keyword_only_run() -> Any:
    @workflow.defn
    class Wrong:
        @workflow.run
        async def run(self, *, number: int) -> None:
            pass


def keyword_only_signal() -> Any:
    @workflow.signal
    def go(self: Any, *, number: int) -> None:
        pass


def name_and_dynamic() -> Any:
    workflow.signal(name="x", dynamic=True)(lambda: None)  # type: ignore[call-overload]  # this is what is wrong


def defn_name_and_dynamic() -> Any:
    workflow.defn(name="x", dynamic=True)(Base)  # type: ignore[call-overload]  # this is what is wrong


def init_elsewhere() -> Any:
    class Wrong:
        @workflow.init
        def start(self) -> None:
            pass


def init_differs() -> Any:
    @workflow.defn
    class Wrong:
        @workflow.init
        def __init__(self, number: int) -> None:
            pass

        @workflow.run
        async def run(self, number: str) -> None:
            pass


def bare_init_takes_arguments() -> Any:
    @workflow.defn
    class Wrong:
        def __init__(self, number: int) -> None:
            pass

        @workflow.run
        async def run(self, number: int) -> None:
            pass


def failure_type_is_none() -> Any:
    @workflow.defn(failure_exception_types=["ValueError"])  # type: ignore[list-item]  # this is what is wrong
    class Wrong:
        @workflow.run
        async def run(self) -> None:
            pass


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_run, "it has no @workflow.run method"),
        (not_async, "must be async"),
        (two_runs, "more than one @workflow.run: first, second"),
        (run_only_on_base, "@workflow.run is on Base.run, and the class does not override it"),
        (run_overridden_bare, "@workflow.run is on Base.run, and the class overrides it without the decorator"),
        (signal_overridden_bare, "Wrong.notify overrides a @workflow.signal without the decorator"),
        (same_signal_twice, "two methods handle signal 'go': go and start"),
        (two_dynamic_queries, "two methods handle query '<dynamic>'"),
        (decorated_twice, "@workflow.defn twice"),
        (keyword_only_run, r"keyword-only parameters \(number\)"),
        (keyword_only_signal, r"keyword-only parameters \(number\)"),
        (name_and_dynamic, "either name or dynamic"),
        (defn_name_and_dynamic, "either name or dynamic"),
        (init_elsewhere, "only for __init__"),
        (init_differs, "take different parameters"),
        (bare_init_takes_arguments, "put @workflow.init on it"),
        (failure_type_is_none, "'ValueError', which is no exception class"),
    ],
)
def test_a_wrong_definition_is_refused_when_it_is_made(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(DefinitionError) as raised:

        @workflow.defn
        class Wrong:
            def __init__(self, number: int) -> None:
                pass

            @workflow.query(name="x")
            def first(self) -> None:
                pass

            @workflow.query(name="x")
            def second(self) -> None:
                pass

    assert str(raised.value).count(";") == 2


# ---- what shows when a worker starts


@workflow.defn
class UnresolvedHint:
    @workflow.run
    async def run(self, amount: Decimal) -> None:
        pass


@workflow.defn
class UnresolvedSignalHint:
    @workflow.run
    async def run(self) -> None:
        pass

    @workflow.signal
    def pay(self, amount: Decimal) -> None:
        pass


@workflow.defn(dynamic=True)
class WrongDynamic:
    @workflow.run
    async def run(self, name: str) -> None:
        pass


@workflow.defn
class WrongDynamicSignal:
    @workflow.run
    async def run(self) -> None:
        pass

    @workflow.signal(dynamic=True)
    def any_signal(self, *args: RawValue) -> None:
        pass


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (UnresolvedHint, "type hints of UnresolvedHint.run cannot be resolved: name 'Decimal'"),
        (UnresolvedSignalHint, "type hints of UnresolvedSignalHint.pay cannot be resolved"),
        (WrongDynamic, "must take one Sequence"),
        (WrongDynamicSignal, "must take a str and a Sequence"),
    ],
)
def test_wrong_types_show_when_a_worker_starts(cls: type, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        WorkflowRuntime([cls], namespace="n")


def test_types_may_be_defined_below_the_class() -> None:
    assert Definition.must_from_class(UsesLater).signature.arg_types == (Later,)
    WorkflowRuntime([UsesLater], namespace="n")


@workflow.defn
class UsesLater:
    @workflow.run
    async def run(self, later: Later) -> None:
        pass


class Later:
    pass
