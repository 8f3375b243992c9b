"""Protobuf messages as payloads, as JSON and as bytes.

Nothing here imports protobuf before it is needed: whoever has a message has imported it already.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from foldlog.converter._base import EncodingPayloadConverter
from foldlog.converter._names import type_name
from foldlog.exceptions import PayloadConversionError
from foldlog.schemas.common import Payload

if TYPE_CHECKING:
    from google.protobuf.message import Message

_MODULES = sys.modules
MESSAGE_TYPE = "messageType"
"""Key of the metadata under which the message's full name stands, as in Temporal's SDKs."""


class JSONProtoPayloadConverter(EncodingPayloadConverter):
    """Protobuf messages as `json/protobuf`."""

    def __init__(self, ignore_unknown_fields: bool = False) -> None:
        """Make one.

        Args:
            ignore_unknown_fields: Whether fields that the message does not have are passed over when read.
        """
        self._ignore_unknown_fields = ignore_unknown_fields

    @property
    def encoding(self) -> str:
        """See base class."""
        return "json/protobuf"

    def to_payload(self, value: Any) -> Payload | None:
        """See base class."""
        # Asked of every value that is written: so without a call, and without importing anything.
        protobuf = _MODULES.get("google.protobuf.message")
        if protobuf is None or not isinstance(value, protobuf.Message):
            return None
        from google.protobuf.json_format import MessageToDict

        data = json.dumps(MessageToDict(value), separators=(",", ":"), sort_keys=True).encode()
        return Payload(encoding="json/protobuf", data=data, metadata=_metadata(value))

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """See base class."""
        message = _new_message(payload, type_hint)
        from google.protobuf.json_format import Parse, ParseError

        try:
            return Parse(payload.data, message, ignore_unknown_fields=self._ignore_unknown_fields)
        except ParseError as error:
            raise PayloadConversionError(f"no {message.DESCRIPTOR.full_name} as JSON: {error}") from error


class BinaryProtoPayloadConverter(EncodingPayloadConverter):
    """Protobuf messages as `binary/protobuf`. Among the default ones it only reads: JSON comes first."""

    @property
    def encoding(self) -> str:
        """See base class."""
        return "binary/protobuf"

    def to_payload(self, value: Any) -> Payload | None:
        """See base class."""
        protobuf = _MODULES.get("google.protobuf.message")
        if protobuf is None or not isinstance(value, protobuf.Message):
            return None
        return Payload(encoding="binary/protobuf", data=value.SerializeToString(), metadata=_metadata(value))

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """See base class."""
        message = _new_message(payload, type_hint)
        from google.protobuf.message import DecodeError

        try:
            message.ParseFromString(payload.data)
        except DecodeError as error:
            raise PayloadConversionError(f"no {message.DESCRIPTOR.full_name}: {error}") from error
        return message


def _metadata(message: Message) -> dict[str, bytes]:
    return {MESSAGE_TYPE: message.DESCRIPTOR.full_name.encode()}


def _new_message(payload: Payload, type_hint: Any) -> Message:
    """An empty message of the type that the payload names.

    Raises:
        PayloadConversionError: It is not the wanted type, or its module has not been imported here.
    """
    name = payload.metadata.get(MESSAGE_TYPE, b"").decode()
    wanted = getattr(getattr(type_hint, "DESCRIPTOR", None), "full_name", "")
    if wanted and wanted == name:
        made: Message = type_hint()
        return made
    if wanted:
        raise PayloadConversionError(f"expected {type_name(type_hint)}, got protobuf message {name!r}")
    try:
        from google.protobuf import symbol_database

        found: Message = symbol_database.Default().GetSymbol(name)()
    except ImportError:
        raise PayloadConversionError(f"protobuf message {name!r}: install foldlog[protobuf]") from None
    except KeyError:
        raise PayloadConversionError(f"protobuf message {name!r} is not known here: import its module") from None
    return found
