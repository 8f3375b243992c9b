"""Workflow definitions: the decorators of the class, of its run method and of `__init__`, and what they note down."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeVar, overload

from foldlog.common import VersioningBehavior
from foldlog.exceptions import DefinitionError
from foldlog.workflow._handlers import QUERY_ATTRIBUTE, SIGNAL_ATTRIBUTE, QueryDefinition, SignalDefinition
from foldlog.workflow._signature import Signature, is_raw_values, keyword_only, signature_of
from foldlog.workflow._updates import UPDATE_ATTRIBUTE, UpdateDefinition

__all__ = ["Definition", "DynamicWorkflowConfig", "defn", "dynamic_config", "init", "run"]

DEFINITION_ATTRIBUTE = "__foldlog_workflow_definition__"
RUN_ATTRIBUTE = "__foldlog_workflow_run__"
INIT_ATTRIBUTE = "__foldlog_workflow_init__"
DYNAMIC_CONFIG_ATTRIBUTE = "__foldlog_workflow_dynamic_config__"

ClassType = TypeVar("ClassType", bound=type)
RunFn = TypeVar("RunFn", bound=Callable[..., Awaitable[Any]])
InitFn = TypeVar("InitFn", bound=Callable[..., None])


@dataclass(frozen=True)
class DynamicWorkflowConfig:
    """What a method with `@workflow.dynamic_config` returns."""

    failure_exception_types: Sequence[type[BaseException]] | None = None
    """Exceptions that fail this run instead of stalling it, besides those of the worker; None: as `defn` says."""
    versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED
    """Only UNSPECIFIED: which version runs the code is chosen before the code is asked. `defn` takes one."""


ConfigFn = TypeVar("ConfigFn", bound=Callable[[Any], DynamicWorkflowConfig])


@dataclass(frozen=True)
class Definition:
    """What `@workflow.defn` notes down."""

    name: str | None
    """None: it runs all workflows of types that are not registered."""
    cls: type
    run_fn: Callable[..., Awaitable[Any]]
    signals: Mapping[str | None, SignalDefinition]
    queries: Mapping[str | None, QueryDefinition]
    updates: Mapping[str | None, UpdateDefinition]
    failure_exception_types: tuple[type[BaseException], ...]
    takes_arguments_in_init: bool
    guarded: bool
    """Whether the guard watches its code."""
    versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED
    """When its runs move to another version of the code; UNSPECIFIED: as the worker says."""
    dynamic_config_fn: Callable[[Any], DynamicWorkflowConfig] | None = None
    """Says more about each run of a dynamic workflow."""

    @cached_property
    def signature(self) -> Signature:
        """Types of the run method; resolved late, since annotations may name what is defined below the class."""
        return signature_of(self.run_fn, method=True)

    def check_signatures(self) -> None:
        """Resolve all type hints now, so that what is wrong with them shows when a worker starts.

        Raises:
            DefinitionError: One cannot be resolved, or a dynamic method does not take what it must.
        """
        types = self.signature.arg_types
        if self.name is None and not (len(types) == 1 and is_raw_values(types[0])):
            raise DefinitionError(f"dynamic workflow {self.run_fn.__qualname__} must take one Sequence[RawValue]")
        for handler in (*self.signals.values(), *self.queries.values(), *self.updates.values()):
            types = handler.signature.arg_types
            takes_both = len(types) == 2 and types[0] is str and is_raw_values(types[1])
            if handler.name is None and not takes_both and not handler.takes_values:
                name = handler.fn.__qualname__
                raise DefinitionError(f"dynamic handler {name} must take a str and a Sequence[RawValue]")

    @staticmethod
    def from_class(cls: type) -> Definition | None:
        """The definition of a class that has `@workflow.defn` itself, not one that only inherits from such a class."""
        definition: Definition | None = cls.__dict__.get(DEFINITION_ATTRIBUTE)
        return definition

    @staticmethod
    def must_from_class(cls: type) -> Definition:
        """The definition of a class.

        Raises:
            DefinitionError: It has no `@workflow.defn`.
        """
        definition = Definition.from_class(cls)
        if definition is None:
            raise DefinitionError(f"class {getattr(cls, '__qualname__', cls)!s} has no @workflow.defn")
        return definition

    @staticmethod
    def must_from_run_fn(fn: Callable[..., Any]) -> Definition:
        """The definition that a run method belongs to.

        Raises:
            DefinitionError: It has no `@workflow.run`, or its class has no `@workflow.defn`.
        """
        definition: Definition | None = getattr(fn, DEFINITION_ATTRIBUTE, None)
        if definition is None:
            name = getattr(fn, "__qualname__", str(fn))
            raise DefinitionError(f"{name} is no workflow: it needs @workflow.run, and its class @workflow.defn")
        return definition

    @staticmethod
    def name_and_result_type(workflow: str | Callable[..., Any]) -> tuple[str, Any]:
        """The name that a workflow is started by, and its result type (None if unknown).

        Raises:
            DefinitionError: The function is no run method, or its workflow is dynamic.
        """
        if isinstance(workflow, str):
            return workflow, None
        definition = Definition.must_from_run_fn(workflow)
        if definition.name is None:
            raise DefinitionError(f"{workflow.__qualname__} is a dynamic workflow: give the workflow's name instead")
        return definition.name, definition.signature.result_type


def run(fn: RunFn) -> RunFn:
    """Make an async method the body of a workflow. There is exactly one in a workflow class.

    Raises:
        DefinitionError: It is not async, or has keyword-only parameters.
    """
    is_async: bool = inspect.iscoroutinefunction(fn)
    if not is_async:
        raise DefinitionError(f"@workflow.run method {getattr(fn, '__qualname__', fn)!s} must be async (async def)")
    unfit = keyword_only(fn)
    if unfit:
        raise DefinitionError(
            f"@workflow.run method {fn.__qualname__} has keyword-only parameters ({', '.join(unfit)}): "
            "arguments are passed by position"
        )
    setattr(fn, RUN_ATTRIBUTE, True)
    return fn


def init(init_fn: InitFn) -> InitFn:
    """Let `__init__` take the same arguments as the run method.

    Raises:
        DefinitionError: It is not on `__init__`.
    """
    if getattr(init_fn, "__name__", "") != "__init__":
        called = getattr(init_fn, "__qualname__", repr(init_fn))
        raise DefinitionError(f"@workflow.init is only for __init__, not for {called}")
    setattr(init_fn, INIT_ATTRIBUTE, True)
    return init_fn


def dynamic_config(fn: ConfigFn) -> ConfigFn:
    """Let a method of a dynamic workflow say how this run is to be treated, by its type or its arguments.

    It is called after `__init__` and before `run`, takes only `self`, must not be async, and can decide nothing.

    Raises:
        DefinitionError: It is async, or takes more than `self`.
    """
    if inspect.iscoroutinefunction(fn):
        raise DefinitionError(f"@workflow.dynamic_config method {fn.__qualname__} must not be async")
    if len(inspect.signature(fn).parameters) != 1:
        raise DefinitionError(f"@workflow.dynamic_config method {fn.__qualname__} must take only self")
    setattr(fn, DYNAMIC_CONFIG_ATTRIBUTE, True)
    return fn


@overload
def defn(cls: ClassType) -> ClassType: ...
@overload
def defn(
    *,
    name: str | None = None,
    sandboxed: bool = True,
    failure_exception_types: Sequence[type[BaseException]] = (),
    versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED,
) -> Callable[[ClassType], ClassType]: ...
@overload
def defn(
    *,
    dynamic: Literal[True],
    sandboxed: bool = True,
    failure_exception_types: Sequence[type[BaseException]] = (),
    versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED,
) -> Callable[[ClassType], ClassType]: ...
def defn(
    cls: ClassType | None = None,
    *,
    name: str | None = None,
    dynamic: bool = False,
    sandboxed: bool = True,
    failure_exception_types: Sequence[type[BaseException]] = (),
    versioning_behavior: VersioningBehavior = VersioningBehavior.UNSPECIFIED,
) -> ClassType | Callable[[ClassType], ClassType]:
    """Make a class a workflow.

    Args:
        cls: The class.
        name: Name of the workflow type; the class's name if not given.
        dynamic: Runs every workflow of a type that is not registered; its run method takes one `Sequence[RawValue]`.
        sandboxed: Whether the guard refuses files, sockets, threads and the like to its code.
        failure_exception_types: Exceptions that fail the workflow instead of stalling it, besides `FailureError` and
            `TimeoutError`. With `Exception` here, every error fails it.
        versioning_behavior: Whether a run stays on the version of the code that it began on, where workers have
            versions; UNSPECIFIED: as the worker's `deployment_config` says.

    Raises:
        DefinitionError: The class cannot be a workflow; the message names every reason.
    """

    def decorate(cls: ClassType) -> ClassType:
        if not isinstance(cls, type):
            raise DefinitionError(f"@workflow.defn stands before a class, not {cls!r}; a name is given as name=…")
        if not isinstance(name, str | None):
            raise DefinitionError(f"@workflow.defn: the name of {cls.__qualname__} must be a str, not {name!r}")
        if name is not None and dynamic:
            raise DefinitionError("@workflow.defn: give either name or dynamic, not both")
        _define(
            cls,
            name=None if dynamic else name or cls.__name__,
            guarded=sandboxed,
            failure_exception_types=tuple(failure_exception_types),
            versioning_behavior=versioning_behavior,
        )
        return cls

    return decorate if cls is None else decorate(cls)


def _define(
    cls: type,
    *,
    name: str | None,
    guarded: bool,
    failure_exception_types: tuple[type[BaseException], ...],
    versioning_behavior: VersioningBehavior,
) -> None:
    issues: list[str] = []
    if Definition.from_class(cls) is not None:
        issues.append("it has @workflow.defn twice")
    run_fn = _find_run(cls, issues)
    signals: dict[str | None, SignalDefinition] = _find_handlers(cls, SIGNAL_ATTRIBUTE, "signal", issues)
    queries: dict[str | None, QueryDefinition] = _find_handlers(cls, QUERY_ATTRIBUTE, "query", issues)
    updates: dict[str | None, UpdateDefinition] = _find_handlers(cls, UPDATE_ATTRIBUTE, "update", issues)
    _check_validators(updates, issues)
    config_fn = _find_dynamic_config(cls, name, issues)
    takes_arguments = hasattr(cls.__init__, INIT_ATTRIBUTE)  # type: ignore[misc]  # only an attribute of it is read
    _check_init(cls, run_fn, takes_arguments, issues)
    kinds: tuple[Any, ...] = failure_exception_types
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            issues.append(f"failure_exception_types has {kind!r}, which is no exception class")
    if issues or run_fn is None:
        raise DefinitionError(f"class {cls.__qualname__} cannot be a workflow: {'; '.join(issues)}")
    definition = Definition(
        name=name,
        cls=cls,
        run_fn=run_fn,
        signals=signals,
        queries=queries,
        updates=updates,
        failure_exception_types=failure_exception_types,
        takes_arguments_in_init=takes_arguments,
        guarded=guarded,
        versioning_behavior=versioning_behavior,
        dynamic_config_fn=config_fn,
    )
    setattr(cls, DEFINITION_ATTRIBUTE, definition)
    setattr(run_fn, DEFINITION_ATTRIBUTE, definition)


def _find_run(cls: type, issues: list[str]) -> Callable[..., Awaitable[Any]] | None:
    own = [member for member in vars(cls).values() if hasattr(member, RUN_ATTRIBUTE)]
    if len(own) == 1:
        found: Callable[..., Awaitable[Any]] = own[0]
        return found
    if own:
        issues.append(f"it has more than one @workflow.run: {', '.join(member.__name__ for member in own)}")
        return None
    for base in cls.__mro__[1:]:
        for name, member in vars(base).items():
            if hasattr(member, RUN_ATTRIBUTE):
                override = "overrides it without the decorator" if name in vars(cls) else "does not override it"
                issues.append(f"@workflow.run is on {member.__qualname__}, and the class {override}")
                return None
    issues.append("it has no @workflow.run method")
    return None


def _find_dynamic_config(
    cls: type, name: str | None, issues: list[str]
) -> Callable[[Any], DynamicWorkflowConfig] | None:
    found = [member for _, member in inspect.getmembers_static(cls) if hasattr(member, DYNAMIC_CONFIG_ATTRIBUTE)]
    if len(found) > 1:
        issues.append(f"it has more than one @workflow.dynamic_config: {', '.join(each.__name__ for each in found)}")
    if found and name is not None:
        issues.append(f"@workflow.dynamic_config ({found[0].__name__}) is for dynamic workflows only")
    return found[0] if found else None


def _find_handlers(cls: type, attribute: str, kind: str, issues: list[str]) -> dict[str | None, Any]:
    """All handlers of one kind, those of base classes too."""
    found: dict[str | None, Any] = {}
    for name in dict.fromkeys(name for base in cls.__mro__ for name in vars(base)):
        member = inspect.getattr_static(cls, name)
        definition = getattr(member, attribute, None)
        if definition is None:
            for base in cls.__mro__[1:]:
                if hasattr(vars(base).get(name), attribute):
                    issues.append(f"{cls.__name__}.{name} overrides a @workflow.{kind} without the decorator")
                    break
            continue
        if definition.name in found:
            other = found[definition.name].fn.__name__
            issues.append(f"two methods handle {kind} {definition.label!r}: {other} and {name}")
        found[definition.name] = definition
    return found


def _check_validators(updates: Mapping[str | None, UpdateDefinition], issues: list[str]) -> None:
    for update in updates.values():
        validator = update.validator
        if validator is not None and _parameters(validator) != _parameters(update.fn):
            issues.append(f"update {update.label!r} and its validator {validator.__name__} take different parameters")


def _check_init(
    cls: type, run_fn: Callable[..., Awaitable[Any]] | None, takes_arguments: bool, issues: list[str]
) -> None:
    own_init: Callable[..., None] = cls.__init__  # type: ignore[misc]  # only its signature is read
    if takes_arguments:
        if run_fn is not None and _parameters(own_init) != _parameters(run_fn):
            issues.append("@workflow.init and @workflow.run take different parameters")
    elif own_init is not object.__init__ and any(
        parameter.default is inspect.Parameter.empty
        and parameter.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        for parameter in list(inspect.signature(own_init).parameters.values())[1:]
    ):
        issues.append(
            "__init__ takes arguments: put @workflow.init on it, and the same parameters as on the run method"
        )


def _parameters(fn: Callable[..., Any]) -> list[inspect.Parameter]:
    """Parameters without their names: those may differ."""
    return [parameter.replace(name="x") for parameter in inspect.signature(fn).parameters.values()][1:]
