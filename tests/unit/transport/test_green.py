"""Threads that are not threads are refused before anything waits for them."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from foldlog.client import Client
from foldlog.exceptions import ConfigurationError
from foldlog.transport._green import require_threads


class Monkey(ModuleType):
    """As much of `gevent.monkey` as is asked."""

    def __init__(self, *patched: str) -> None:
        super().__init__("gevent.monkey")
        self._patched = patched

    def is_module_patched(self, name: str) -> bool:
        return name in self._patched


@pytest.mark.parametrize("patched", [("socket", "threading"), ("queue",)])
async def test_a_client_does_not_connect_where_gevent_has_replaced_threads(
    patched: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gevent.monkey", Monkey(*patched))
    with pytest.raises(ConfigurationError, match=r"patch_all\(thread=False, queue=False\)"):
        await Client.connect("127.0.0.1:1")


def test_gevent_without_threads_is_welcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gevent.monkey", Monkey("socket", "ssl"))
    require_threads()
