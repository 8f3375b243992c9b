"""What a run knows without waiting for anything: facts from its start, its clock, its random numbers, its memo."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from foldlog._metrics import MetricMeter, RecordedMetric
from foldlog.common import Priority, RetryPolicy, WorkerDeploymentVersion
from foldlog.converter import PayloadConverter
from foldlog.runtime.environment import Environment
from foldlog.schemas.common import ParentExecution, Payload
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.schemas.records import Event
from foldlog.workflow._info import Info, ParentInfo, RootInfo
from foldlog.workflow._runtime import Runtime


class RunFacts(Runtime):
    """The part of a runtime that only looks."""

    __slots__ = (
        "_attributes",
        "_begun_ms",
        "_history_length",
        "_memo",
        "_now_ms",
        "_random",
        "environment",
        "history_size",
        "replaying",
        "started",
        "workflow_id",
    )

    def __init__(self, environment: Environment, workflow_id: str, started: WorkflowExecutionStarted) -> None:
        self.environment = environment
        self.workflow_id = workflow_id
        self.started = started
        self.replaying = False
        self.history_size = 0
        """Bytes of the events so far. Set by whoever tells the history, before each activation."""
        self._history_length = 0
        self._now_ms = started.time_ms
        self._begun_ms = started.time_ms
        """When its code began. Set anew where that was held."""
        self._memo: dict[str, Payload] | None = None
        self._attributes: dict[str, Payload] | None = None
        """Memo and search attributes as they are now, once they are asked for."""
        self._random: Random | None = None

    def advance(self, event: Event) -> None:
        """The code is told of an event. Its clock goes there; it never goes back, though those of processors differ."""
        self._history_length = event.event_id
        if event.time_ms > self._now_ms:
            self._now_ms = event.time_ms

    @property
    def guarded(self) -> bool:
        """Whether the guard watches its code."""
        return self.environment.definition.guarded

    def info(self) -> Info:
        """See base class."""
        started = self.started
        options, continuation = started.options, started.continuation
        policy = None if options is None else options.retry_policy
        return Info(
            attempt=1 if continuation is None else continuation.attempt,
            continued_run_id=None if continuation is None else continuation.run_id,
            cron_schedule=None if options is None else options.cron_schedule or None,
            execution_timeout=_duration(started.execution_timeout_ms),
            first_execution_run_id=started.first_execution_run_id,
            headers={} if options is None else options.header,
            namespace=self.environment.namespace,
            parent=_parent(started.parent),
            priority=Priority.default if options is None else Priority.from_record(options.priority),
            raw_memo=self.own_memo(),
            raw_search_attributes=self.own_search_attributes(),
            retry_policy=None if policy is None else RetryPolicy.from_record(policy),
            root=_root(started.parent),
            run_id=started.run_id,
            run_timeout=_duration(started.run_timeout_ms),
            start_time=datetime.fromtimestamp(self._begun_ms / 1000, UTC),
            task_queue=started.task_queue,
            workflow_id=self.workflow_id,
            workflow_start_time=datetime.fromtimestamp(started.time_ms / 1000, UTC),
            workflow_type=started.workflow_type,
        )

    def log_extra(self) -> Mapping[str, Any]:
        """See base class."""
        started = self.started
        return {
            "attempt": 1 if started.continuation is None else started.continuation.attempt,
            "namespace": self.environment.namespace,
            "run_id": started.run_id,
            "task_queue": started.task_queue,
            "workflow_id": self.workflow_id,
            "workflow_type": started.workflow_type,
        }

    def time_ms(self) -> int:
        """See base class."""
        return self._now_ms

    def random(self) -> Random:
        """See base class."""
        if self._random is None:
            self._random = Random(self.started.run_id)
        return self._random

    def random_seed(self) -> int:
        """See base class."""
        return int.from_bytes(hashlib.blake2b(self.started.run_id.encode(), digest_size=8).digest())

    def new_random(self, name: str | None = None) -> Random:
        """See base class."""
        return Random(self.random().getrandbits(128) if name is None else f"{self.started.run_id}/{name}")

    def is_replaying(self) -> bool:
        """See base class."""
        return self.replaying

    def extern_functions(self) -> Mapping[str, Callable[..., Any]]:
        """See base class."""
        return self.environment.extern_functions

    def is_failure_exception(self, error: BaseException) -> bool:
        """See base class."""
        return self.environment.is_failure_exception(error)

    def deployment_version(self) -> WorkerDeploymentVersion | None:
        """See base class."""
        options = self.started.options
        if self.environment.version is None and options is not None and options.versioning_behavior == "PINNED":
            # In a `Replayer`, whose code is of no version.
            return WorkerDeploymentVersion.from_canonical_string(options.deployment_version)
        return self.environment.version

    def history_length(self) -> int:
        """See base class."""
        return self._history_length

    def history_bytes(self) -> int:
        """See base class."""
        return self.history_size

    def payload_converter(self) -> PayloadConverter:
        """See base class."""
        return self.environment.payload_converter

    def metric_meter(self) -> MetricMeter:
        """See base class."""
        started = self.started
        attributes = {"task_queue": started.task_queue, "workflow_type": started.workflow_type}
        return MetricMeter(self._measure, {"namespace": self.environment.namespace} | attributes)

    def _measure(self, recorded: RecordedMetric) -> None:
        if not self.replaying:
            self.environment.metric_meter.record(recorded)

    def memo_value(self, key: str, type_hint: type | None) -> Any:
        """See base class."""
        return self.environment.payload_converter.from_payload(self.own_memo()[key], type_hint)

    def own_memo(self) -> dict[str, Payload]:
        """The memo as it is now, to be changed in place."""
        if self._memo is None:
            self._memo = dict(self.started.memo)
        return self._memo

    def own_search_attributes(self) -> dict[str, Payload]:
        """The search attributes as they are now, to be changed in place."""
        if self._attributes is None:
            options = self.started.options
            self._attributes = {} if options is None else dict(options.search_attributes)
        return self._attributes

    def is_continue_as_new_suggested(self) -> bool:
        """See base class."""
        environment = self.environment
        return (
            self._history_length >= environment.suggested_history_length
            or self.history_size >= environment.suggested_history_bytes
        )

    def last_completion_result(self) -> Payload | None:
        """See base class."""
        continuation, options = self.started.continuation, self.started.options
        if continuation is not None and continuation.last_result is not None:
            return continuation.last_result
        return None if options is None else options.last_result

    def last_failure(self) -> BaseException | None:
        """See base class."""
        continuation, options = self.started.continuation, self.started.options
        failure = None if continuation is None else continuation.last_failure
        if failure is None and continuation is None and options is not None:
            failure = options.last_failure
        return None if failure is None else self.environment.exception(failure)


def _parent(parent: ParentExecution | None) -> ParentInfo | None:
    if parent is None:
        return None
    return ParentInfo(namespace=parent.namespace, run_id=parent.run_id, workflow_id=parent.workflow_id)


def _root(parent: ParentExecution | None) -> RootInfo | None:
    if parent is None:
        return None
    return RootInfo(
        run_id=parent.root_run_id or parent.run_id, workflow_id=parent.root_workflow_id or parent.workflow_id
    )


def _duration(ms: int) -> timedelta | None:
    return timedelta(milliseconds=ms) if ms else None
