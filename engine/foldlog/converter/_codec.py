"""What may be done to payloads on their way to the log and back, such as encryption: the interface."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from foldlog.schemas.common import Failure, Payload


class PayloadCodec(ABC):
    """Turns payloads into others before they are written, and back after they were read.

    It runs at the edge, in clients and workers, never in workflow code; so it may wait for other systems.
    """

    @abstractmethod
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encode payloads; never change the ones given.

        Returns:
            As many payloads, in the same order.
        """

    @abstractmethod
    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Undo `encode`; payloads that it did not make (by their encoding) come back as they are."""

    async def encode_failure(self, failure: Failure) -> Failure:
        """A failure with all of its payloads, and those of its causes, encoded."""
        return await _with_payloads(failure, self.encode)

    async def decode_failure(self, failure: Failure) -> Failure:
        """Undo `encode_failure`."""
        return await _with_payloads(failure, self.decode)


async def _with_payloads(failure: Failure, change: Callable[[Sequence[Payload]], Awaitable[list[Payload]]]) -> Failure:
    details = await change(failure.details) if failure.details else []
    hidden = failure.encoded_attributes
    if hidden is not None:
        hidden = (await change([hidden]))[0]
    cause = None if failure.cause is None else await _with_payloads(failure.cause, change)
    return replace(failure, details=details, encoded_attributes=hidden, cause=cause)
