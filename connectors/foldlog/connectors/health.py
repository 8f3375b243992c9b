"""The HTTP port of a worker process for those who watch it: `/metrics`, `/healthz` and `/readyz`.

Owns the server and its threads. What is measured and what healthy means is told to it: a registry and checks. It has no
TLS and no passwords, so it listens on loopback unless told otherwise; put it behind what the platform has.
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from foldlog.exceptions import ConfigurationError
from prometheus_client import CollectorRegistry, make_wsgi_app

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Check = Callable[[], bool]
"""Whether one part of the process is well. Called from a thread of the server; should not block."""


class MonitoringAddressError(ConfigurationError):
    """The address for metrics and health cannot be listened on."""

    def __init__(self, host: str, port: int, cause: OSError) -> None:
        super().__init__(
            f"cannot serve metrics on {host}:{port}: {cause.strerror or cause}; choose another port or address"
        )
        self.host = host
        self.port = port


def monitoring_app(
    registry: CollectorRegistry, *, live: Mapping[str, Check], ready: Mapping[str, Check]
) -> WSGIApplication:
    """A WSGI application for the three paths, for whoever has a server of their own.

    `/healthz` and `/readyz` answer 200 when all their checks pass, else 503, with a JSON object that names each check:
    `{"status": "ok", "checks": {"processor": true}}`. A check that raises has failed.

    Args:
        registry: What `/metrics` shows.
        live: Checks by name; one that fails asks for a restart of the process.
        ready: Checks by name; one that fails asks for patience: partitions are assigned or restored still.
    """
    metrics: WSGIApplication = make_wsgi_app(registry)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        match environ.get("PATH_INFO", ""):
            case "/metrics":
                return metrics(environ, start_response)
            case "/healthz":
                return _answer(start_response, live)
            case "/readyz":
                return _answer(start_response, ready)
            case _:
                start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
                return [b"/metrics /healthz /readyz\n"]

    return app


def _answer(start_response: StartResponse, checks: Mapping[str, Check]) -> Iterable[bytes]:
    results = {name: _passes(check) for name, check in checks.items()}
    ok = all(results.values())
    body = json.dumps({"status": "ok" if ok else "unavailable", "checks": results}).encode() + b"\n"
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store")]
    start_response("200 OK" if ok else "503 Service Unavailable", headers)
    return [body]


def _passes(check: Check) -> bool:
    try:
        return bool(check())
    except Exception:  # a check of a process that is falling apart may raise anything, and that is its answer
        return False


class _Handler(WSGIRequestHandler):
    """Answers one request without a log line: scrapes are no news."""

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = False  # `server_close` waits for the requests under way

    def server_bind(self) -> None:
        # The inherited one asks DNS for the name of this machine, which can take seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no event."""


class MonitoringServer:
    """Serves `monitoring_app` in a thread of its own. Use it as a context manager, or call `close`."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        live: Mapping[str, Check],
        ready: Mapping[str, Check],
        host: str = "127.0.0.1",
        port: int = 0,
        request_timeout_seconds: float = 5.0,
        daemon: bool = False,
    ) -> None:
        """Listens at once.

        Args:
            registry: What `/metrics` shows.
            live: As for `monitoring_app`.
            ready: As for `monitoring_app`.
            host: Address to listen on; `0.0.0.0` for all.
            port: TCP port; 0 takes a free one.
            request_timeout_seconds: How long a connection may be silent; so long it can hold up `close`.
            daemon: Whether the process may end while it serves.

        Raises:
            MonitoringAddressError: The address is taken or is not this machine's.
        """
        try:
            handler = type("_TimedHandler", (_Handler,), {"timeout": request_timeout_seconds})
            self._server = _Server((host, port), handler)
        except OSError as error:
            raise MonitoringAddressError(host, port, error) from error
        self._server.set_app(monitoring_app(registry, live=live, ready=ready))
        self._server.daemon_threads = daemon
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="foldlog-monitoring", daemon=daemon
        )
        self._thread.start()
        self._closed = False

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self._server.server_name

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_port

    def close(self) -> None:
        """Stops listening, ends the requests under way and the threads. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
