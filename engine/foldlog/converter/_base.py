"""Values to payloads and back: the interfaces.

Everything here is synchronous and pure, since workflow code converts with it. What needs I/O or keys is a codec's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar, overload

from foldlog.api.common.v1 import Payload as ShownPayload
from foldlog.api.common.v1 import Payloads, plain
from foldlog.schemas.common import Payload

T = TypeVar("T")


class PayloadConverter(ABC):
    """Converts values to payloads and back. Implementations are pure and safe to use from several threads."""

    default: ClassVar[PayloadConverter]
    """The converter that is used where none was chosen."""

    @abstractmethod
    def to_payloads(self, values: Sequence[Any]) -> list[Payload]:
        """Convert values, one payload each.

        Raises:
            PayloadConversionError: A value cannot be converted; the message says which.
        """

    @abstractmethod
    def from_payloads(self, payloads: Sequence[Payload], type_hints: Sequence[Any] | None = None) -> list[Any]:
        """Convert payloads, one value each.

        Args:
            payloads: What to convert.
            type_hints: The wanted types, in the same order; None, or fewer than payloads, leaves it to what is in the
                payload.

        Raises:
            PayloadConversionError: A payload does not fit its type; the message says where.
        """

    def to_payloads_wrapper(self, values: Sequence[Any]) -> Payloads:
        """`to_payloads`, as a list object."""
        return Payloads(payloads=self.to_payloads(values))

    def from_payloads_wrapper(self, payloads: Payloads | None) -> list[Any]:
        """`from_payloads` of a list object, without type hints; None: no values."""
        return self.from_payloads([plain(payload) for payload in payloads.payloads]) if payloads else []

    def to_payload(self, value: Any) -> Payload:
        """Convert one value.

        Raises:
            PayloadConversionError: It cannot be converted.
        """
        return self.to_payloads([value])[0]

    @overload
    def from_payload(self, payload: Payload) -> Any: ...
    @overload
    def from_payload(self, payload: Payload, type_hint: type[T]) -> T: ...
    @overload
    def from_payload(self, payload: Payload, type_hint: None) -> Any: ...
    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """Convert one payload.

        Raises:
            PayloadConversionError: It does not fit the type.
        """
        return self.from_payloads([payload], [type_hint])[0]


class EncodingPayloadConverter(ABC):
    """Converts values of some kind to payloads of one encoding."""

    @property
    @abstractmethod
    def encoding(self) -> str:
        """The encoding that it writes and reads, such as `json/plain`."""

    @abstractmethod
    def to_payload(self, value: Any) -> Payload | None:
        """Convert a value; None if it is not of its kind.

        Raises:
            PayloadConversionError: It is of its kind and cannot be converted.
        """

    @abstractmethod
    def from_payload(self, payload: ShownPayload, type_hint: Any = None) -> Any:
        """Convert a payload of this encoding.

        Args:
            payload: What to convert.
            type_hint: The wanted type; None: whatever is in the payload.

        Raises:
            PayloadConversionError: It does not fit the type.
        """
