"""Values as JSON, checked against type hints.

Built on msgspec, in C. It refuses some hints, such as a union of two dataclasses; those are read by pydantic where it
is installed. docs/design/13-data-converter.md has the reasons and the figures.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import lru_cache
from math import isfinite
from pathlib import PurePath
from types import GenericAlias
from typing import Any, ClassVar, NewType, NoReturn, get_args, get_origin

import msgspec
from foldlog.converter import _pydantic
from foldlog.converter._base import EncodingPayloadConverter
from foldlog.converter._encoder import AdvancedJSONEncoder
from foldlog.converter._names import type_name
from foldlog.exceptions import PayloadConversionError
from foldlog.schemas.common import Payload

__all__ = [
    "AdvancedJSONEncoder",
    "JSONPlainPayloadConverter",
    "JSONTypeConverter",
    "JSONTypeConverterUnhandled",
    "value_to_type",
]

_LOCATED = re.compile(r"^(?P<problem>.*?)(?: - at (?P<key>`key` in )?`\$?(?P<path>.*)`)?$", re.DOTALL)
_MAYBE_NAN = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")
"""In MessagePack: the mark of a 64-bit float, and an exponent of only ones."""
_BOOLS = {b"true": True, b"false": False}
_MADE_OF: tuple[tuple[type, tuple[type, ...]], ...] = (
    (str, (str,)),
    (int, (int,)),
    (float, (float, int)),
    (PurePath, (str,)),
)
"""Classes whose subclasses are read by calling them, and with what."""


JSONTypeConverterUnhandled = NewType("JSONTypeConverterUnhandled", object)
"""The type of `JSONTypeConverter.Unhandled`."""


class JSONTypeConverter(ABC):
    """Reads types that are neither standard ones nor dataclasses nor pydantic models."""

    Unhandled: ClassVar[JSONTypeConverterUnhandled] = JSONTypeConverterUnhandled(object())
    """What `to_typed_value` returns for a type that it does not know."""

    @abstractmethod
    def to_typed_value(self, hint: type, value: Any) -> Any | JSONTypeConverterUnhandled | None:
        """Make a value of the wanted type.

        Args:
            hint: The wanted type.
            value: What the JSON says: dict, list, str, int, float, bool or None.

        Returns:
            The value, or `JSONTypeConverter.Unhandled`.

        Raises:
            ValueError: The JSON does not fit the type; the message says why.
        """


class JSONPlainPayloadConverter(EncodingPayloadConverter):
    """Anything else as JSON: dataclasses, pydantic models, enums, dates, UUIDs, Decimals, collections, plain values."""

    def __init__(
        self,
        *,
        encoder: type[json.JSONEncoder] | None = AdvancedJSONEncoder,
        decoder: type[json.JSONDecoder] | None = None,
        encoding: str = "json/plain",
        encode_unknown: Callable[[Any], Any] | None = None,
        custom_type_converters: Sequence[JSONTypeConverter] = (),
    ) -> None:
        """Make one.

        Args:
            encoder: Writes JSON, instead of msgspec, if it is a class of your own. Several times slower.
            decoder: Reads JSON, instead of msgspec; the value is then checked against the type hint.
            encoding: What to write into the payload.
            encode_unknown: Makes something that JSON has out of a value of another type; raises TypeError if it
                does not know the type.
            custom_type_converters: Read such types; the first that knows a type counts.
        """
        self._encoding = encoding
        self._encoder = None if encoder in (AdvancedJSONEncoder, json.JSONEncoder) else encoder
        self._decoder = decoder
        self._encode_user = encode_unknown
        self._custom = tuple(custom_type_converters)
        self._prepare()

    def _prepare(self) -> None:
        self._encode = msgspec.json.Encoder(enc_hook=self._encode_hook).encode
        self._encode_msgpack = msgspec.msgpack.Encoder(enc_hook=self._encode_hook).encode
        # One reader per type, for making one costs some hundred times what reading does.
        self._reader = lru_cache(maxsize=4096)(self._make_reader)

    def __getstate__(self) -> dict[str, Any]:
        # Workers send their converter to the processes of a process pool.
        prepared = ("_encode", "_encode_msgpack", "_reader")
        return {name: value for name, value in self.__dict__.items() if name not in prepared}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._prepare()

    @property
    def encoding(self) -> str:
        """See base class."""
        return self._encoding

    def to_payload(self, value: Any) -> Payload | None:
        """See base class."""
        if self._encoder is not None:
            return Payload(encoding=self._encoding, data=_dumps(value, self._encoder))
        try:
            data = self._encode(value)
            if b"null" in data:
                self._refuse_nan(value)
        except Exception as error:
            # Whatever it is, it comes from the value: an unknown type, a property that raises, a cycle.
            self._explain(value, error)
        return Payload(encoding=self._encoding, data=data)

    def from_payload(self, payload: Payload, type_hint: Any = None) -> Any:
        """See base class."""
        data = payload.data if self._decoder is None else _reencoded(payload.data, self._decoder)
        try:
            reader = self._reader(type_hint)
        except TypeError:
            # The hint is not hashable, such as Annotated[str, []].
            reader = self._make_reader(type_hint)
        try:
            return reader(data)
        except PayloadConversionError:
            raise
        except msgspec.ValidationError as error:
            if type_hint is int and data.strip() in _BOOLS:
                # To Python, and to its type checkers, a bool is an int: whoever passed it was not wrong.
                return _BOOLS[data.strip()]
            raise _located(error) from error
        except msgspec.DecodeError as error:
            raise PayloadConversionError(f"not JSON: {error}") from error
        except Exception as error:
            # Raised by the type itself, or by a nesting that is too deep.
            raise PayloadConversionError(f"{type(error).__name__}: {error}") from error

    # Writing

    def _encode_hook(self, value: Any) -> Any:
        """What msgspec calls for a value of a type that it does not know."""
        if self._encode_user is not None:
            try:
                return self._encode_user(value)
            except TypeError:
                pass
        if _pydantic.is_model(value):
            return value.model_dump(mode="json", by_alias=True)
        for base in (str, int, float):
            if isinstance(value, base):
                return base(value)
        if isinstance(value, PurePath):
            return str(value)
        if isinstance(value, Mapping):
            return dict(value)
        kind = type(value).__qualname__
        if isinstance(value, tuple):
            raise TypeError(f"a key of type {kind} cannot be written as JSON")
        if isinstance(value, Collection) and not isinstance(value, type):
            return list(value)  # a range, the values of a dict; not what can be gone through only once
        raise TypeError(f"a value of type {kind} cannot be written as JSON")

    def _refuse_nan(self, value: Any) -> None:
        # msgspec writes them as null, without a word; a value must not change on its way. In MessagePack they stay what
        # they are, which shows at a fifth of the cost of a walk through the value, whether there may be any.
        try:
            if not _MAYBE_NAN.search(self._encode_msgpack(value)):
                return
        except OverflowError:
            pass  # an integer of more than 64 bits: only JSON has those
        if not _is_finite(msgspec.to_builtins(value, str_keys=True, enc_hook=self._encode_hook)):
            raise ValueError("JSON has no NaN or infinity; use None or a string for them")

    def _explain(self, value: Any, error: Exception) -> NoReturn:
        where = ""
        part = value
        for _ in range(50):
            inner = next(((step, child) for step, child in _parts(part) if not self._fits(child)), None)
            if inner is None:
                break
            where += inner[0]
            part = inner[1]
        if isinstance(error, RecursionError):
            where, problem = "", "it is nested too deeply, or contains itself"
        else:
            problem = f"{error}"
        raise PayloadConversionError(problem, where) from error

    def _fits(self, value: Any) -> bool:
        try:
            if b"null" in self._encode(value):
                self._refuse_nan(value)
        except Exception:
            return False
        return True

    # Reading

    def _make_reader(self, hint: Any) -> Callable[[bytes], Any]:
        if hint is None:
            return msgspec.json.Decoder().decode
        if get_origin(hint) is Iterable:
            hint = GenericAlias(list, get_args(hint))  # pydantic's iterator can be gone through only once
        try:
            foreign = _foreign_types(msgspec.inspect.type_info(hint))
            if all(self._reads(kind) for kind in foreign):
                return msgspec.json.Decoder(hint, dec_hook=self._decode_hook).decode
            problem = f"{type_name(next(kind for kind in foreign if not self._reads(kind)))} is not a type it knows"
        except TypeError as error:
            problem = str(error).partition(" - type ")[0]
        except NameError as error:
            raise PayloadConversionError(f"{type_name(hint)} cannot be resolved: {error}") from error
        return _pydantic.reader(hint, problem)

    def _reads(self, kind: Any) -> bool:
        """Whether `_decode_hook` can read a type that msgspec does not know."""
        if not isinstance(kind, type):
            return bool(self._custom)
        if kind is object:
            return True
        if hasattr(kind, "__dataclass_fields__"):
            return False
        return bool(self._custom) or _pydantic.is_model_type(kind) or _made_of(kind) is not None

    def _decode_hook(self, kind: type, value: Any) -> Any:
        """What msgspec calls for a type that it does not know."""
        for converter in self._custom:
            made = converter.to_typed_value(kind, value)
            if made is not JSONTypeConverter.Unhandled:
                return made
        if kind is object:  # anything, as `Any`: how code that is checked strictly says it
            return value
        if _pydantic.is_model_type(kind):
            return _pydantic.validate(kind, value)
        sources = _made_of(kind)
        if sources is None:
            raise ValueError(f"no converter reads a {type_name(kind)}")
        if type(value) not in sources:
            raise ValueError(f"expected {sources[0].__name__}, got {type(value).__name__}")
        return kind(value)


def value_to_type(hint: Any, value: Any, custom_converters: Sequence[JSONTypeConverter] = ()) -> Any:
    """Make a value of a type of what JSON has.

    Args:
        hint: The wanted type.
        value: dict, list, str, int, float, bool or None, as `json.loads` returns them.
        custom_converters: Read types that are not known otherwise.

    Raises:
        TypeError: It does not fit the type; the message says where.
    """
    reader = JSONPlainPayloadConverter(custom_type_converters=custom_converters)
    try:
        return reader.from_payload(Payload(encoding="json/plain", data=msgspec.json.encode(value)), hint)
    except PayloadConversionError as error:
        raise TypeError(str(error)) from error


def _dumps(value: Any, encoder: type[json.JSONEncoder]) -> bytes:
    try:
        return json.dumps(value, cls=encoder, separators=(",", ":"), sort_keys=True).encode()
    except Exception as error:
        raise PayloadConversionError(f"{encoder.__name__}: {error}") from error


def _reencoded(data: bytes, decoder: type[json.JSONDecoder]) -> bytes:
    """JSON of what a decoder of the user's makes of JSON."""
    try:
        return msgspec.json.encode(json.loads(data, cls=decoder))
    except Exception as error:
        raise PayloadConversionError(f"{decoder.__name__}: {error}") from error


def _made_of(kind: Any) -> tuple[type, ...] | None:
    if isinstance(kind, type):
        for base, sources in _MADE_OF:
            if issubclass(kind, base):
                return sources
    return None


def _is_finite(plain: Any) -> bool:
    """Whether no number within dicts and lists is NaN or infinite."""
    kind = type(plain)
    if kind is float:
        return isfinite(plain)
    if kind is dict:
        return all(map(_is_finite, plain.values()))
    return kind is not list or all(map(_is_finite, plain))


def _parts(value: Any) -> Iterable[tuple[str, Any]]:
    """The parts of a value, and how one gets to them."""
    if isinstance(value, Mapping):
        return [(f"[{key!r}]", part) for key, part in value.items()]
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        return [(f"[{index}]", part) for index, part in enumerate(value)]
    if isinstance(value, msgspec.Struct):
        return [(f".{name}", getattr(value, name, None)) for name in value.__struct_fields__]
    if is_dataclass(value) and not isinstance(value, type):
        return [(f".{field.name}", getattr(value, field.name, None)) for field in fields(value)]
    return ()


def _foreign_types(info: Any) -> list[Any]:
    """Types within a type that msgspec does not know, and pydantic's dataclasses, whose validators it would skip."""
    found: list[Any] = []
    seen: set[int] = set()
    waiting = [info]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend(node)
        elif isinstance(node, (msgspec.inspect.Type, msgspec.inspect.Field)) and id(node) not in seen:
            seen.add(id(node))
            if isinstance(node, msgspec.inspect.CustomType) or hasattr(
                getattr(node, "cls", None), "__pydantic_validator__"
            ):
                found.append(node.cls)  # type: ignore[union-attr]  # both kinds of node have it
            waiting.extend(getattr(node, name) for name in node.__struct_fields__)
    return found


def _located(error: msgspec.ValidationError) -> PayloadConversionError:
    """msgspec's message, as `.items[3].price` and `expected float, got str`."""
    inner = error.__cause__
    match = _LOCATED.match(str(error))
    problem, key, path = (match["problem"], match["key"], match["path"]) if match else (str(error), None, None)
    problem = problem.replace("`", "")
    if isinstance(inner, _pydantic.ModelError):
        return PayloadConversionError(inner.problem, (path or "") + inner.where)
    problem = problem[:1].lower() + problem[1:]
    return PayloadConversionError(f"key: {problem}" if key else problem, path or "")
