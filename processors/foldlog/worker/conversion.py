"""Values to payloads and back for activities: at once where no codec is set, otherwise as the codec takes its time."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from foldlog.common import RawValue
from foldlog.converter import ActivitySerializationContext, DataConverter
from foldlog.converter._codec import decode_each_with, decode_with, encode_with
from foldlog.converter._payload import raw_values
from foldlog.schemas.common import Failure, Payload
from foldlog.schemas.task import ActivityTask
from foldlog.standalone.model import is_standalone


class Conversion:
    """A data converter, with a way around the event loop for the common case."""

    def __init__(self, data_converter: DataConverter, *, headers_coded: bool = False) -> None:
        self._headers_coded = headers_coded
        self.context: ActivitySerializationContext | None = None
        """What its payloads belong to, where that makes a difference."""
        self._use(data_converter)

    def _use(self, data_converter: DataConverter) -> None:
        self._data_converter = data_converter
        self.payload_converter = data_converter.payload_converter
        self.payload_converter_class = data_converter.payload_converter_class
        self.is_sync = data_converter.payload_codec is None
        """Whether there is no codec, so that nothing needs to be awaited."""
        self.encode_now = self.payload_converter.to_payload
        self.decode_now = self.payload_converter.from_payloads

    def of_activity(self, workflow_id: str, task: ActivityTask, task_queue: str, is_local: bool) -> Conversion:
        """One that knows whose payloads it converts, if the data converter wants to know."""
        if not self._data_converter.wants_context:
            return self
        made = copy.copy(self)
        made.context = ActivitySerializationContext(
            namespace=task.namespace,
            activity_id=task.activity_id,
            activity_type=task.activity_type,
            activity_task_queue=task_queue,
            workflow_id=None if is_standalone(workflow_id) else workflow_id,
            workflow_type=None if is_standalone(workflow_id) else task.workflow_type,
            is_local=is_local,
        )
        made._use(self._data_converter.with_context(made.context))
        return made

    async def encode(self, value: Any) -> Payload:
        """One value."""
        return (await self._data_converter.encode([value]))[0]

    async def encode_all(self, values: Sequence[Any]) -> list[Payload]:
        """Values, one payload each."""
        return await self._data_converter.encode(values) if values else []

    async def encode_payloads(self, payloads: list[Payload]) -> list[Payload]:
        """What the codec makes of payloads."""
        codec = self._data_converter.payload_codec
        return payloads if codec is None or not payloads else await encode_with(codec, payloads)

    async def decode(self, payloads: Sequence[Payload], type_hints: Sequence[Any] | None) -> list[Any]:
        """Payloads, one value each."""
        return await self._data_converter.decode(payloads, type_hints)

    async def decode_raw(self, payloads: Sequence[Payload]) -> list[RawValue]:
        """Payloads as they are, the codec undone."""
        codec = self._data_converter.payload_codec
        if codec is not None and payloads:
            payloads = await decode_with(codec, payloads)
        return raw_values(payloads)

    async def decode_header(self, header: Mapping[str, Payload]) -> Mapping[str, Payload]:
        """What came along with a task."""
        codec = self._data_converter.payload_codec
        if codec is None or not self._headers_coded:
            return header
        return await decode_each_with(codec, header)

    async def encode_failure(self, exception: BaseException) -> Failure:
        """An exception."""
        return await self._data_converter.encode_failure(exception)
