"""How an activity without a workflow has ended, and what is read from that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foldlog.converter import DataConverter, PayloadCodec
from foldlog.converter._codec import decode_failure_with, decode_one_with
from foldlog.exceptions import ActivityError, RPCError, RPCStatusCode
from foldlog.schemas.reply import WorkflowResult


@dataclass(frozen=True)
class ActivityOutcome:
    """The end of its workflow, which is that of the activity."""

    ended: WorkflowResult
    converter: DataConverter
    codec: PayloadCodec | None
    """That of the workflow: the activity's own payloads are within its."""

    @property
    def completed(self) -> bool:
        """Whether there is a result."""
        return self.ended.status == "COMPLETED" and self.ended.result is not None

    async def result(self, type_hint: Any) -> Any:
        """What it returned, if it has completed."""
        assert self.ended.result is not None
        payload = self.ended.result if self.codec is None else await decode_one_with(self.codec, self.ended.result)
        return self.converter.payload_converter.from_payloads([payload], [type_hint])[0]

    async def failure(self, what: str) -> BaseException:
        """Why it did not complete.

        Raises:
            RPCError: Nothing says why.
        """
        ended = self.ended
        if ended.failure is None:
            raise RPCError(f"{what} ended as {ended.status}", RPCStatusCode.DATA_LOSS)
        failure = ended.failure if self.codec is None else await decode_failure_with(self.codec, ended.failure)
        error = self.converter.failure_converter.from_failure(failure, self.converter.payload_converter)
        return error.cause if isinstance(error, ActivityError) and error.cause is not None else error
