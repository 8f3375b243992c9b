"""What the runs of one workflow type share: its definition, converters and rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from foldlog.converter import FailureConverter, PayloadConverter
from foldlog.exceptions import FailureError
from foldlog.schemas.common import Failure, Payload
from foldlog.workflow._definition import Definition
from foldlog.workflow._signature import Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One workflow type as a worker runs it."""

    definition: Definition
    namespace: str
    payload_converter: PayloadConverter
    failure_converter: FailureConverter
    failure_exception_types: tuple[type[BaseException], ...]
    """Exceptions that fail a workflow: those of the worker and those of the definition."""
    eager_activities: bool

    def is_failure_exception(self, error: BaseException) -> bool:
        """Whether an exception fails the workflow rather than stalling it."""
        return isinstance(error, (FailureError, TimeoutError, *self.failure_exception_types))

    def values(self, payloads: Sequence[Payload], signature: Signature) -> list[Any]:
        """Arguments from payloads."""
        return self.payload_converter.from_payloads(payloads, signature.arg_types) if payloads else []

    def failure(self, error: BaseException) -> Failure:
        """An exception as data."""
        return self.failure_converter.to_failure(error, self.payload_converter)

    def exception(self, failure: Failure) -> BaseException:
        """The exception that a failure stands for."""
        return self.failure_converter.from_failure(failure, self.payload_converter)
