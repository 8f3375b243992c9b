"""What a run may change about itself without waiting: memo, search attributes, details, patches; and its end as new.

Owns how these become decisions. Which of them an earlier run of the same code made is told by whoever replays.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, NoReturn, cast

from foldlog._option_types import check_option
from foldlog.api.common.v1 import plain
from foldlog.common import SearchAttributes, SearchAttributeUpdate
from foldlog.converter._search_attributes import encode_search_attribute_updates, encode_search_attributes
from foldlog.core import decisions
from foldlog.core.decisions import Decision
from foldlog.core.fields import REMOVED_ENCODING, TARGET_CHANGED
from foldlog.runtime.environment import Environment
from foldlog.runtime.facts import RunFacts
from foldlog.runtime.patches import activates
from foldlog.schemas.common import Payload, VersioningBehavior
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.workflow._chain_types import ContinueAsNewError, ContinueAsNewOptions, ContinueAsNewVersioningBehavior
from foldlog.workflow._definition import Definition

if TYPE_CHECKING:
    from foldlog.runtime.instance import WorkflowInstance


class ContinuedAsNew(ContinueAsNewError):
    """Raised in the workflow's code; carries what is to be decided once the code has let it through."""

    def __init__(self, decision: decisions.ContinueAsNew) -> None:
        super().__init__("Continue as new")
        self.decision = decision


class RunProperties(RunFacts):
    """The part of a runtime that changes what is known of the run."""

    __slots__ = ("_details", "_patches", "_target_asked", "_target_changed", "patches", "target_changed")

    batch: int
    """Number of the activation that runs."""

    def __init__(self, environment: Environment, workflow_id: str, started: WorkflowExecutionStarted) -> None:
        super().__init__(environment, workflow_id, started)
        self.patches: Collection[str] = ()
        """See `Decider.patches`."""
        self._patches: dict[str, bool] | None = None
        """Whether each patch that was asked for is active; it stays so for the whole run."""
        self._details = ""
        self.target_changed: Callable[[], bool] | None = None
        """See `Decider.target_changed`."""
        self._target_changed, self._target_asked = False, 0
        """What the code was told of that last, and in which activation."""

    @property
    def versioning_behavior(self) -> VersioningBehavior:
        """See `Decider.versioning_behavior`."""
        return self.environment.configured_behavior

    @abstractmethod
    def is_read_only(self) -> bool:
        """Whether nothing may be decided now."""

    @abstractmethod
    def check_may_decide(self, what: str) -> None:
        """Refuse to decide where nothing may be decided."""

    @abstractmethod
    def decide(self, decision: Decision) -> int:
        """Add a decision to those of this activation."""

    def random(self) -> Random:
        """See base class. A query that drew numbers would have the code draw others than in a replay."""
        self.check_may_decide("draw random numbers")
        return super().random()

    def register_random_seed_callback(self, callback: Callable[[int], None]) -> None:
        """See base class. The seed never changes: there are no resets."""
        self.check_may_decide("register a callback")
        if not callable(callback):
            raise TypeError(f"the callback must be a function, not {callback!r}")

    def patch(self, patch_id: str, deprecated: bool) -> bool:
        """See base class."""
        self.check_may_decide("patch")
        if self._patches is None:
            self._patches = {}
        active = self._patches.get(patch_id)
        if active is None:
            active = self._patches[patch_id] = self._is_active(patch_id, deprecated)
            if active:
                self.decide(decisions.RecordPatch(patch_id=patch_id, deprecated=deprecated))
        return active

    def _is_active(self, patch_id: str, deprecated: bool) -> bool:
        if self.replaying or patch_id in self.patches:
            return patch_id in self.patches
        callback = self.environment.patch_activation
        return deprecated or callback is None or activates(callback, cast("WorkflowInstance", self), patch_id)

    def is_target_version_changed(self) -> bool:
        """See base class. Another answer than before is recorded, so that a replay gives the same one."""
        if self.is_read_only() or self._target_asked == self.batch:
            return self._target_changed
        self._target_asked = self.batch
        if self.replaying or TARGET_CHANGED in self.patches:
            other = TARGET_CHANGED in self.patches
        else:
            other = (self.target_changed is not None and self.target_changed()) is not self._target_changed
        if other:
            self.decide(decisions.RecordPatch(patch_id=TARGET_CHANGED))
            self._target_changed = not self._target_changed
        return self._target_changed

    def upsert_memo(self, updates: Mapping[str, Any]) -> None:
        """See base class."""
        self.check_may_decide("change the memo")
        check_option("updates", updates, Mapping[str, Any])
        converter = self.environment.payload_converter
        # All of it is converted before any of it counts.
        payloads = {key: converter.to_payload(value) for key, value in updates.items()}
        for key, value in updates.items():
            if value is None:
                payloads[key] = Payload(encoding=REMOVED_ENCODING)
        if payloads:
            self.decide(decisions.ModifyProperties(memo=payloads))
            _apply(self.own_memo(), payloads)

    def upsert_search_attributes(self, updates: SearchAttributes | Sequence[SearchAttributeUpdate[Any]]) -> None:
        """See base class."""
        self.check_may_decide("change search attributes")
        check_option("attributes", updates, Mapping[str, Any] | Sequence[Any])
        payloads = encode_search_attribute_updates(updates)
        if payloads:
            self.decide(decisions.UpsertSearchAttributes(search_attributes=payloads))
            _apply(self.own_search_attributes(), payloads)

    def current_details(self) -> str:
        """See base class."""
        return self._details

    def set_current_details(self, details: str) -> None:
        """See base class."""
        self.check_may_decide("set current details")
        check_option("description", details, str)
        self._details = details

    def continue_as_new(
        self, args: Sequence[Any], options: ContinueAsNewOptions, header: Mapping[str, Payload] | None = None
    ) -> NoReturn:
        """See base class. The header is for the new run."""
        self.check_may_decide("continue as new")
        converter = self.environment.payload_converter
        memo, attributes = options.memo, options.search_attributes
        decision = decisions.ContinueAsNew(
            args=converter.to_payloads(args),
            workflow_type="" if options.workflow is None else Definition.name_and_result_type(options.workflow)[0],
            task_queue=options.task_queue or "",
            run_timeout_ms=options.run_timeout_ms,
            retry_policy=None if options.retry_policy is None else options.retry_policy.to_record(),
            memo=None if memo is None else {key: converter.to_payload(value) for key, value in memo.items()},
            search_attributes=None if attributes is None else encode_search_attributes(attributes),
            backoff_ms=options.backoff_ms,
            header={name: plain(payload) for name, payload in header.items()} if header else {},
            upgrade=options.versioning != ContinueAsNewVersioningBehavior.UNSPECIFIED,
            ramping=options.versioning == ContinueAsNewVersioningBehavior.USE_RAMPING_VERSION,
        )
        if self.replaying:
            decision.source = self.call_source()
        raise ContinuedAsNew(decision)

    @abstractmethod
    def call_source(self) -> str:
        """Where in the workflow's code the running call comes from."""


def _apply(fields: dict[str, Payload], updates: Mapping[str, Payload]) -> None:
    for name, payload in updates.items():
        if payload.encoding == REMOVED_ENCODING:
            fields.pop(name, None)
        else:
            fields[name] = payload
