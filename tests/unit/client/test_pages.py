"""Lists item by item and page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from foldlog.client._pages import Pages
from foldlog.exceptions import InvalidArgumentError


async def numbers(end: int) -> AsyncIterator[int]:
    for number in range(end):
        yield number


async def test_pages_and_single_items_follow_one_another() -> None:
    pages = Pages(numbers(7), page_size=3)
    assert (pages.current_page, pages.current_page_index, pages.next_page_token) == (None, 0, b"0")
    await pages.fetch_next_page()
    assert (pages.current_page, pages.next_page_token) == ([0, 1, 2], b"3")
    assert await anext(pages) == 0
    assert pages.current_page_index == 1
    await pages.fetch_next_page(page_size=1)
    assert pages.current_page == [3]
    assert [number async for number in pages] == [3, 4, 5, 6]
    assert pages.next_page_token is None
    await pages.fetch_next_page()
    assert pages.current_page == []


async def test_a_token_leads_on_where_the_page_ended() -> None:
    first = Pages(numbers(4), page_size=2)
    await first.fetch_next_page()
    second = Pages(numbers(4), page_size=2, next_page_token=first.next_page_token)
    await second.fetch_next_page()
    assert (second.current_page, second.next_page_token) == ([2, 3], b"4")
    last = Pages(numbers(4), next_page_token=second.next_page_token)
    assert [number async for number in last] == []


async def test_a_list_that_has_become_shorter_ends() -> None:
    pages = Pages(numbers(1), next_page_token=b"5")
    await pages.fetch_next_page()
    assert (pages.current_page, pages.next_page_token) == ([], None)


@pytest.mark.parametrize(("size", "token"), [(0, None), (-1, None), (10, b"no number"), (10, b"-1")])
def test_what_can_be_no_page_is_refused(size: int, token: bytes | None) -> None:
    with pytest.raises(InvalidArgumentError):
        Pages(numbers(1), page_size=size, next_page_token=token)
