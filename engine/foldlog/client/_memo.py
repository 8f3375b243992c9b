"""Reads the memo of what was described or listed: a workflow or a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, overload

from foldlog.client._convert import decode_memo, decode_one
from foldlog.converter import DataConverter
from foldlog.schemas.common import Payload

T = TypeVar("T")
D = TypeVar("D")
_NO_DEFAULT: Any = object()


class WithMemo:
    """What has a memo."""

    data_converter: DataConverter
    """Reads it."""
    _memo: Mapping[str, Payload]

    async def memo(self) -> Mapping[str, Any]:
        """The memo, its values as they look without type hints."""
        return await decode_memo(self.data_converter, self._memo)

    @overload
    async def memo_value(self, key: str, default: Any = ...) -> Any: ...
    @overload
    async def memo_value(self, key: str, *, type_hint: type[T]) -> T: ...
    @overload
    async def memo_value(self, key: str, default: D, *, type_hint: type[T]) -> D | T: ...
    async def memo_value(self, key: str, default: Any = _NO_DEFAULT, *, type_hint: Any = None) -> Any:
        """One value of the memo.

        Args:
            key: Its name.
            default: What to give if there is none.
            type_hint: Its type.

        Raises:
            KeyError: There is none, and no default.
        """
        payload = self._memo.get(key)
        if payload is not None:
            return await decode_one(self.data_converter, payload, type_hint)
        if default is _NO_DEFAULT:
            raise KeyError(f"Memo does not have a value for key {key}")
        return default
