"""Replay of recorded histories as a test: does the workflow code still decide what it decided then?

Owns what is asked of a history before it is told to the code, and what is said of the outcome. The comparison itself is
`foldlog.core.replay`'s. Nothing here knows a broker, a store or a clock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Unpack

from foldlog.client import HeaderCodecBehavior, HistoryFormatError, WorkflowHistory
from foldlog.client._plugin import changed_by
from foldlog.converter import DataConverter
from foldlog.core.decider import Decider, NondeterminismError, WorkflowTaskError
from foldlog.core.replay import replay_whole
from foldlog.exceptions import ConfigurationError, FoldlogError
from foldlog.interceptor import Interceptor
from foldlog.runtime import WorkflowRuntime
from foldlog.schemas import event
from foldlog.schemas.framing import encode
from foldlog.schemas.records import Event
from foldlog.worker.options import DEADLOCK_TIMEOUT, deadlock_seconds
from foldlog.worker.plugin import Plugin, ReplayerConfig, ReplayerOptionsWithoutMeaning, RunReplayer, with_runner
from foldlog.worker.temporal_names import guards

_log = logging.getLogger(__name__)


class WorkflowReplayError(FoldlogError, RuntimeError):
    """Workflow code could not be brought to the end of a history, though it may not have decided otherwise.

    Its type is not registered, it did not come to an await, or it raised something that is no workflow failure.
    `stack_trace` has its stack.

    Attributes:
        stack_trace: The stack of what was raised.
    """

    def __init__(self, message: str, stack_trace: str = "") -> None:
        super().__init__(message)
        self.stack_trace = stack_trace


@dataclass(frozen=True)
class WorkflowReplayResult:
    """What the replay of one history came to.

    Attributes:
        history: The history.
        replay_failure: Why it could not be replayed: `foldlog.workflow.NondeterminismError` if the code decides
            otherwise now, `foldlog.client.HistoryFormatError` if the events cannot be those of a run, else
            `WorkflowReplayError`. None: all is well.
    """

    history: WorkflowHistory
    replay_failure: Exception | None


@dataclass(frozen=True)
class WorkflowReplayResults:
    """What the replay of many histories came to.

    Attributes:
        replay_failures: Why those could not be replayed that could not, by run ID.
    """

    replay_failures: Mapping[str, Exception]


class Replayer:
    """Replays recorded histories with the workflow code of this process. Needs no broker.

    Workflow code runs on the thread that calls, so a debugger stops in it; see `debug_mode`.
    """

    def __init__(
        self,
        *,
        workflows: Sequence[type],
        namespace: str = "ReplayNamespace",
        data_converter: DataConverter | None = None,
        interceptors: Sequence[Interceptor] = (),
        plugins: Sequence[Plugin] = (),
        workflow_failure_exception_types: Sequence[type[BaseException]] = (),
        header_codec_behavior: HeaderCodecBehavior = HeaderCodecBehavior.NO_CODEC,
        deadlock_timeout: timedelta | None = DEADLOCK_TIMEOUT,
        debug_mode: bool = False,
        **ignored: Unpack[ReplayerOptionsWithoutMeaning],
    ) -> None:
        """Register workflows.

        Args:
            workflows: Classes with `@workflow.defn`, of all types that histories are replayed of.
            namespace: What `workflow.info().namespace` says.
            data_converter: The one that the histories were recorded with; None: the default one.
            interceptors: The same as the workers', those of their clients among them.
            plugins: Change these options, the first one first: the same as the workers'.
            workflow_failure_exception_types: Exceptions that fail a workflow instead of stalling it: the same as the
                workers'.
            header_codec_behavior: Whether the headers of the histories went through the payload codec.
            deadlock_timeout: The workers'. As in a worker that replays, code may run ten times as long for each event
                before it comes to an await; then it is interrupted, and the history cannot be replayed. None: as long
                as it likes.
            debug_mode: Whether workflow code is never interrupted, so that one can step through it. The environment
                variable FOLDLOG_DEBUG does the same.
            **ignored: See `ReplayerOptionsWithoutMeaning`.

        Raises:
            ConfigurationError: There are no workflows, or `deadlock_timeout` is no time at all.
            DefinitionError: A workflow is not declared as it must be.
        """
        for name in ignored:
            if name not in ReplayerOptionsWithoutMeaning.__annotations__:
                raise TypeError(f"Replayer has no option {name}")
            _log.debug("the replayer's option %s has no meaning here and is ignored", name)
        config = ReplayerConfig(
            workflows=list(workflows),
            namespace=namespace,
            data_converter=data_converter or DataConverter.default,
            interceptors=interceptors,
            workflow_failure_exception_types=workflow_failure_exception_types,
            header_codec_behavior=header_codec_behavior,
            deadlock_timeout=deadlock_timeout,
            debug_mode=debug_mode,
            **ignored,
        )
        self._given_config = config.copy()
        self.plugins = plugins
        if plugins:
            with_runner(config)
        for plugin in plugins:
            config = changed_by(plugin.name(), plugin.configure_replayer, config)
        self._active_config = config
        if not config.get("workflows"):
            raise ConfigurationError("a replayer needs workflows", option="workflows")
        self._runtime = WorkflowRuntime(
            config["workflows"],
            namespace=config["namespace"],
            data_converter=config["data_converter"],
            failure_exception_types=config["workflow_failure_exception_types"],
            guarded=guards(config.get("workflow_runner")),
            interceptors=config["interceptors"],
            headers_coded=config["header_codec_behavior"] is not HeaderCodecBehavior.NO_CODEC,
            deadlock_timeout_seconds=deadlock_seconds(config["deadlock_timeout"], config["debug_mode"]),
        )

    def config(self, *, active_config: bool = False) -> ReplayerConfig:
        """The options that it was made with, without its plugins.

        Args:
            active_config: As plugins have changed them; otherwise as they were given.
        """
        config = (self._active_config if active_config else self._given_config).copy()
        config["workflows"] = list(config["workflows"])
        return config

    async def replay_workflow(
        self, history: WorkflowHistory, *, raise_on_replay_failure: bool = True
    ) -> WorkflowReplayResult:
        """Replay one history.

        Args:
            history: It, whole or up to any event.
            raise_on_replay_failure: Whether to raise the failure; otherwise the result has it.

        Raises:
            NondeterminismError: The code decides otherwise than it did; the message names the first difference.
            HistoryFormatError: The events cannot be those of a run.
            WorkflowReplayError: Anything else was in the way; see there.
        """

        async def only() -> AsyncIterator[WorkflowHistory]:
            yield history

        async with self.workflow_replay_iterator(only()) as results:
            async for result in results:
                if raise_on_replay_failure and result.replay_failure is not None:
                    raise result.replay_failure
                return result
        raise RuntimeError("a plugin has replayed nothing")

    async def replay_workflows(
        self, histories: AsyncIterator[WorkflowHistory], *, raise_on_replay_failure: bool = True
    ) -> WorkflowReplayResults:
        """Replay many histories, one after another.

        Args:
            histories: They, for example from `client.list_workflows(…).map_histories()`.
            raise_on_replay_failure: Whether to raise the first failure, and replay no further.

        Raises:
            NondeterminismError: See `replay_workflow`, as for the others.
            HistoryFormatError: See there.
            WorkflowReplayError: See there.
        """
        failures: dict[str, Exception] = {}
        async with self.workflow_replay_iterator(histories) as results:
            async for result in results:
                if result.replay_failure is None:
                    continue
                if raise_on_replay_failure:
                    raise result.replay_failure
                failures[_run_id(result.history)] = result.replay_failure
        return WorkflowReplayResults(failures)

    def workflow_replay_iterator(
        self, histories: AsyncIterator[WorkflowHistory]
    ) -> AbstractAsyncContextManager[AsyncIterator[WorkflowReplayResult]]:
        """A context manager around an iterator that replays a history each time it is asked for the next result.

        Args:
            histories: They.
        """
        run: RunReplayer = Replayer._results
        for plugin in reversed(self.plugins):
            run = partial(plugin.run_replayer, next=run)
        return run(self, histories)

    @asynccontextmanager
    async def _results(
        self, histories: AsyncIterator[WorkflowHistory]
    ) -> AsyncIterator[AsyncIterator[WorkflowReplayResult]]:

        async def results() -> AsyncIterator[WorkflowReplayResult]:
            async for history in histories:
                yield WorkflowReplayResult(history, self._failure(history))
                await asyncio.sleep(0)  # A corpus that comes from memory must not keep the event loop for itself.

        yield results()

    def _failure(self, history: WorkflowHistory) -> Exception | None:
        """Why a history cannot be replayed; None: it can."""
        where = f"workflow {history.workflow_id!r}, run {_run_id(history)}"
        try:
            self._replay(history)
        except HistoryFormatError as error:
            return error
        except WorkflowTaskError as error:
            kind = type(error) if isinstance(error, NondeterminismError) else WorkflowReplayError
            return _noted(kind(f"{where}: {error}", error.stack_trace), error)
        except Exception as error:  # whatever a made-up history leads to
            return _noted(WorkflowReplayError(f"{where}: {type(error).__name__}: {error}"), error)
        return None

    def _replay(self, history: WorkflowHistory) -> None:
        events = _checked(history)
        if self._runtime.foresee is not None:
            self._runtime.foresee(events)
        decider = self._runtime.create(history.workflow_id, events[0])
        try:
            replay_whole(decider, _told(events, decider))
        finally:
            decider.close()


def _told(events: Sequence[Event], decider: Decider) -> Iterator[Event]:
    """The events, with the decider knowing at each how large the history was then."""
    size = 0
    for recorded in events:
        size += len(encode(recorded))
        decider.history_size = size
        yield recorded


def _noted(failure: Exception, cause: Exception) -> Exception:
    """A failure with its cause and, in tracebacks, the stack of the workflow's code."""
    failure.__cause__ = cause
    if stack := getattr(cause, "stack_trace", ""):
        failure.add_note(stack)
    return failure


def _run_id(history: WorkflowHistory) -> str:
    return history.run_id if history.events else ""


def _checked(history: WorkflowHistory) -> Sequence[Any]:
    """The events, if they can be those of one run.

    Raises:
        HistoryFormatError: They cannot.
    """
    events = history.events
    run_id = history.run_id  # raises if there are none
    where = f"the history of workflow {history.workflow_id!r}"
    if not isinstance(events[0], event.WorkflowExecutionStarted):
        raise HistoryFormatError(f"{where} begins with {type(events[0]).__name__}, not with WorkflowExecutionStarted")
    for number, recorded in enumerate(events, start=1):
        if recorded.event_id != number:
            raise HistoryFormatError(f"{where} has event {recorded.event_id} where event {number} should be")
        if recorded.run_id != run_id:
            raise HistoryFormatError(f"{where} has events of two runs: {run_id} and {recorded.run_id}")
    return events
