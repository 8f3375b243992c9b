"""Values and exceptions to what is in the log, and back."""

from foldlog.converter._base import EncodingPayloadConverter, PayloadConverter
from foldlog.converter._codec import PayloadCodec
from foldlog.converter._data_converter import DataConverter, default
from foldlog.converter._failure import (
    DefaultFailureConverter,
    DefaultFailureConverterWithEncodedAttributes,
    FailureConverter,
)
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
    "DataConverter",
    "DefaultFailureConverter",
    "DefaultFailureConverterWithEncodedAttributes",
    "DefaultPayloadConverter",
    "EncodingPayloadConverter",
    "FailureConverter",
    "JSONPlainPayloadConverter",
    "JSONTypeConverter",
    "PayloadCodec",
    "PayloadConverter",
    "default",
]
