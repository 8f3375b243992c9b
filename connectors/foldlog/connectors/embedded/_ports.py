"""Ports of 127.0.0.1, where every embedded server listens: which are free.

Owns nothing but that question. A free port may be taken the next moment; who starts a server must be ready for that.
"""

from __future__ import annotations

import errno
import random
import socket

from .exceptions import EmbeddedError, PortInUseError

HOST = "127.0.0.1"
_FREE_PORTS = range(20000, 30000)


def check_port(port: int) -> None:
    """Finds out whether a server could listen on a port of 127.0.0.1.

    Raises:
        PortInUseError: Another process does.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Java does: old connections do not count
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                raise PortInUseError(port) from error
            raise


def free_port() -> int:
    """A free port of 127.0.0.1 below the range that the system gives to outgoing connections.

    A port of that range could be taken by any client while the server restarts; a client that retries could even
    connect to itself.

    Raises:
        EmbeddedError: None of many ports tried is free.
    """
    for port in random.sample(_FREE_PORTS, 200):
        if is_free(port):
            return port
    raise EmbeddedError(f"no free port found between {_FREE_PORTS.start} and {_FREE_PORTS.stop}")


def is_free(port: int) -> bool:
    """Whether a server could listen on a port of 127.0.0.1 right now."""
    try:
        check_port(port)
    except PortInUseError:
        return False
    return True
