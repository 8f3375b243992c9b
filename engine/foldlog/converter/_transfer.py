"""Classes whose values go through the log as those of another class: their transfer type.

Owns how a class says so. That converters ask is theirs to see to; while no class has said so, it costs them nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Generic, NamedTuple, TypeVar, Union, get_args, get_origin

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


class Transfer(NamedTuple):
    """How values of a type hint are read."""

    converter: TransferTypeConverter[Any, Any]
    type_hint: Any
    """The class, with its arguments if it is generic."""
    or_none: bool = False
    """Whether it may be None instead."""

    @property
    def read_as(self) -> Any:
        """What the payload is read as."""
        wanted = self.converter.transfer_type
        return wanted | None if self.or_none and wanted is not None else wanted

    def read(self, value: Any) -> Any:
        """A value from what was in its payload.

        Raises:
            PayloadConversionError: It cannot be made of that.
        """
        if value is None and self.or_none:
            return None
        try:
            return self.converter.from_transfer_type(value, self.type_hint)
        except PayloadConversionError:
            raise
        except Exception as error:
            name = type_name(self.type_hint)
            raise PayloadConversionError(
                f"{name} cannot be made of its transfer type: {type(error).__name__}: {error}"
            ) from error


def transfer_of(type_hint: Any) -> Transfer | None:
    """How values are read whose type hint is a class with a converter, perhaps beside None; None: it is another one."""
    converter = converter_of(type_hint)
    if converter is not None:
        return Transfer(converter, type_hint)
    origin = get_origin(type_hint)
    if origin is Annotated:
        return transfer_of(get_args(type_hint)[0])
    if origin is not Union and origin is not UnionType:
        return None
    others = [member for member in get_args(type_hint) if member is not NoneType]
    # Which of several it is, nothing says.
    found = transfer_of(others[0]) if len(others) == 1 else None
    return None if found is None else found._replace(or_none=True)
