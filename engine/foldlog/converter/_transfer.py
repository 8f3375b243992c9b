"""Classes whose values go through the log as those of another class: their transfer type.

Owns how a class says so. That converters ask is theirs to see to; while no class has said so, it costs them nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

from foldlog.converter._names import type_name
from foldlog.exceptions import PayloadConversionError

ValueT = TypeVar("ValueT")
TransferTypeT = TypeVar("TransferTypeT")

_ATTRIBUTE = "__foldlog_transfer_type_converter"


class TransferTypeConverter(ABC, Generic[ValueT, TransferTypeT]):
    """Converts values of one class to another, which payload converters know, and back. See `docs/data.md`."""

    transfer_type: ClassVar[Any] = None
    """What payloads are read as before `from_transfer_type`; None: as what they look like."""

    @abstractmethod
    def to_transfer_type(self, value: ValueT) -> TransferTypeT:
        """What goes into the payload for a value."""

    @abstractmethod
    def from_transfer_type(self, value: TransferTypeT, type_hint: type[ValueT]) -> ValueT:
        """The value again.

        Args:
            value: What was in the payload.
            type_hint: The type that is wanted, with its arguments if it is generic.
        """


def transfer_type_convertible(
    converter_type: type[TransferTypeConverter[ValueT, TransferTypeT]],
) -> Callable[[type[ValueT]], type[ValueT]]:
    """Decorator for a class: its values are converted by way of another type.

    That holds for arguments, results and whatever else is converted by itself. What is within another value is
    converted as that one is.

    Args:
        converter_type: Makes the converter.

    Raises:
        TypeError: It is no class of converters; where it is used, the class has a converter already.
    """
    if not isinstance(converter_type, type) or not issubclass(converter_type, TransferTypeConverter):
        raise TypeError(f"this takes a class derived from TransferTypeConverter, not {converter_type!r}")

    def decorate(cls: type[ValueT]) -> type[ValueT]:
        if hasattr(cls, _ATTRIBUTE):
            raise TypeError(f"class already has a transfer type converter: {cls.__qualname__}")
        setattr(cls, _ATTRIBUTE, converter_type())
        transfers.append(cls)
        return cls

    return decorate


transfers: list[type] = []
"""Classes with converters, in this process."""


def converter_of(value_type: Any) -> TransferTypeConverter[Any, Any] | None:
    """That of a class, or of a generic one with arguments; None: it has none."""
    return getattr(value_type, _ATTRIBUTE, None)


def read(converter: TransferTypeConverter[Any, Any], value: Any, type_hint: Any) -> Any:
    """A value from what was in its payload.

    Raises:
        PayloadConversionError: It cannot be made of that.
    """
    try:
        return converter.from_transfer_type(value, type_hint)
    except PayloadConversionError:
        raise
    except Exception as error:
        raise PayloadConversionError(
            f"{type_name(type_hint)} cannot be made of its transfer type: {type(error).__name__}: {error}"
        ) from error
