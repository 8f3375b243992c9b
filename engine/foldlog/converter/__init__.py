"""Values and exceptions to what is in the log, and back."""

from foldlog.converter._base import EncodingPayloadConverter, PayloadConverter
from foldlog.converter._json import JSONPlainPayloadConverter, JSONTypeConverter
from foldlog.converter._payload import (
    BinaryNullPayloadConverter,
    BinaryPlainPayloadConverter,
    CompositePayloadConverter,
    DefaultPayloadConverter,
)

__all__ = [
    "BinaryNullPayloadConverter",
    "BinaryPlainPayloadConverter",
    "CompositePayloadConverter",
    "DefaultPayloadConverter",
    "EncodingPayloadConverter",
    "JSONPlainPayloadConverter",
    "JSONTypeConverter",
    "PayloadConverter",
]
