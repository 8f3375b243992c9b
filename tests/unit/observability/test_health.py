"""The monitoring port: its three paths, and that nothing of it is left after `close`."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from foldlog.connectors.health import MonitoringAddressError, MonitoringServer
from prometheus_client import CollectorRegistry, Counter


class Part:
    """A part of a process whose health the test sets."""

    def __init__(self) -> None:
        self.well = True
        self.error: Exception | None = None

    def check(self) -> bool:
        if self.error is not None:
            raise self.error
        return self.well


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def part() -> Part:
    return Part()


@pytest.fixture
def server(registry: CollectorRegistry, part: Part) -> Iterator[MonitoringServer]:
    with MonitoringServer(registry, live={"loop": lambda: True}, ready={"processor": part.check}) as server:
        yield server


def get(server: MonitoringServer, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_metrics_show_the_registry_that_was_given(server: MonitoringServer, registry: CollectorRegistry) -> None:
    Counter("apples", "Apples.", registry=registry).inc(3)
    status, body = get(server, "/metrics")
    assert status == 200
    assert "apples_total 3.0" in body


def test_not_ready_is_503_and_says_which_check(server: MonitoringServer, part: Part) -> None:
    assert get(server, "/readyz") == (200, '{"status": "ok", "checks": {"processor": true}}\n')
    part.well = False
    status, body = get(server, "/readyz")
    assert status == 503
    assert json.loads(body) == {"status": "unavailable", "checks": {"processor": False}}
    assert get(server, "/healthz")[0] == 200


def test_a_check_that_raises_has_failed(server: MonitoringServer, part: Part) -> None:
    part.error = RuntimeError("gone")
    assert get(server, "/readyz")[0] == 503


def test_other_paths_are_404_and_name_the_right_ones(server: MonitoringServer) -> None:
    status, body = get(server, "/")
    assert status == 404
    assert "/metrics" in body


def test_a_taken_port_is_a_clear_error(server: MonitoringServer, registry: CollectorRegistry) -> None:
    with pytest.raises(MonitoringAddressError, match=f"127.0.0.1:{server.port}") as raised:
        MonitoringServer(registry, live={}, ready={}, port=server.port)
    assert raised.value.port == server.port


def test_close_ends_every_thread_also_with_a_silent_connection(registry: CollectorRegistry) -> None:
    before = set(threading.enumerate())
    server = MonitoringServer(registry, live={}, ready={}, request_timeout_seconds=0.2)
    with socket.create_connection(("127.0.0.1", server.port), timeout=60):
        get(server, "/metrics")
        server.close()
    server.close()
    assert set(threading.enumerate()) <= before
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1)
