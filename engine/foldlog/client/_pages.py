"""Lists of which one may ask item by item, or page by page as Temporal's clients do.

Owns what a page is: so many items as are wanted, whatever they were read by. A token for the next page is the number of
items before it, so a list that has changed meanwhile gives a few items twice, or leaves some out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Generic, Self, TypeVar

from foldlog.exceptions import InvalidArgumentError

PAGE_SIZE = 1000
"""Items of a page, where nobody says."""

T = TypeVar("T")


class Pages(Generic[T]):
    """Items one by one, for `async for`; `fetch_next_page` gives pages of them."""

    def __init__(
        self, items: AsyncIterator[T], *, page_size: int = PAGE_SIZE, next_page_token: bytes | None = None
    ) -> None:
        """Private: made by the calls that list something.

        Raises:
            InvalidArgumentError: The size is no number of items, or the token is none.
        """
        if page_size < 1:
            raise InvalidArgumentError(f"a page has at least one item, not {page_size}")
        self._items = items
        self._size = page_size
        self._before = _number(next_page_token)
        self._skip = self._before
        self._page: list[T] | None = None
        self._index = 0
        self._ended = False

    @property
    def current_page_index(self) -> int:
        """Which item of the current page comes next."""
        return self._index

    @property
    def current_page(self) -> Sequence[T] | None:
        """What `fetch_next_page` has fetched last; None before."""
        return self._page

    @property
    def next_page_token(self) -> bytes | None:
        """For another call of the same kind, to go on after what was fetched so far; None: there is no more."""
        return None if self._ended else str(self._before).encode()

    async def fetch_next_page(self, *, page_size: int | None = None) -> None:
        """Fetch a page; what is left of the one before is not given any more.

        Args:
            page_size: How many items; None: as the list was asked for.
        """
        page: list[T] = []
        while len(page) < (page_size or self._size):
            try:
                page.append(await self._read())
            except StopAsyncIteration:
                break
        self._page, self._index = page, 0

    def __aiter__(self) -> Self:
        """Gives the iterator itself."""
        return self

    async def __anext__(self) -> T:
        """The next item."""
        if self._page is None or self._index >= len(self._page):
            return await self._read()
        self._index += 1
        return self._page[self._index - 1]

    async def _read(self) -> T:
        try:
            while self._skip:
                await anext(self._items)
                self._skip -= 1
            item = await anext(self._items)
        except StopAsyncIteration:
            self._ended = True
            raise
        self._before += 1
        return item


def _number(token: bytes | None) -> int:
    if not token:
        return 0
    if not token.isdigit():
        raise InvalidArgumentError(f"{token!r} is no token of a page")
    return int(token)
