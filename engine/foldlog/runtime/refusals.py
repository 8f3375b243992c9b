"""The part of asyncio's event loop that reaches outside of the workflow: refused, with what to use instead."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

from foldlog.workflow._exceptions import RestrictedWorkflowAccessError

_FILES = "read and write in an activity"
_NETWORK = "talk to the network in an activity"
_PROCESS = "start processes in an activity"
_THREADS = "run blocking code in an activity; within the workflow use asyncio tasks"
_LOOP = "the workflow's event loop is run by foldlog alone"
_FROM_OUTSIDE = "nothing outside of a workflow may call into it: send it a signal"


def _refusal(name: str, instead: str) -> Any:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise RestrictedWorkflowAccessError(f"a workflow cannot use loop.{name}(): {instead}")

    return refuse


class RefusingLoop(asyncio.AbstractEventLoop):
    """An event loop without an outside."""

    __slots__ = ()

    run_in_executor = _refusal("run_in_executor", _THREADS)
    set_default_executor = _refusal("set_default_executor", _THREADS)
    shutdown_default_executor = _refusal("shutdown_default_executor", _THREADS)
    call_soon_threadsafe = _refusal("call_soon_threadsafe", _FROM_OUTSIDE)
    add_signal_handler = _refusal("add_signal_handler", _FROM_OUTSIDE)
    remove_signal_handler = _refusal("remove_signal_handler", _FROM_OUTSIDE)
    run_forever = _refusal("run_forever", _LOOP)
    run_until_complete = _refusal("run_until_complete", _LOOP)
    stop = _refusal("stop", _LOOP)
    close = _refusal("close", _LOOP)
    shutdown_asyncgens = _refusal("shutdown_asyncgens", _LOOP)
    set_debug = _refusal("set_debug", _LOOP)
    set_task_factory = _refusal("set_task_factory", _LOOP)
    add_reader = _refusal("add_reader", _FILES)
    remove_reader = _refusal("remove_reader", _FILES)
    add_writer = _refusal("add_writer", _FILES)
    remove_writer = _refusal("remove_writer", _FILES)
    connect_read_pipe = _refusal("connect_read_pipe", _FILES)
    connect_write_pipe = _refusal("connect_write_pipe", _FILES)
    getaddrinfo = _refusal("getaddrinfo", _NETWORK)
    getnameinfo = _refusal("getnameinfo", _NETWORK)
    create_connection = _refusal("create_connection", _NETWORK)
    create_server = _refusal("create_server", _NETWORK)
    create_unix_connection = _refusal("create_unix_connection", _NETWORK)
    create_unix_server = _refusal("create_unix_server", _NETWORK)
    create_datagram_endpoint = _refusal("create_datagram_endpoint", _NETWORK)
    connect_accepted_socket = _refusal("connect_accepted_socket", _NETWORK)
    start_tls = _refusal("start_tls", _NETWORK)
    sendfile = _refusal("sendfile", _NETWORK)
    sock_recv = _refusal("sock_recv", _NETWORK)
    sock_recv_into = _refusal("sock_recv_into", _NETWORK)
    sock_recvfrom = _refusal("sock_recvfrom", _NETWORK)
    sock_recvfrom_into = _refusal("sock_recvfrom_into", _NETWORK)
    sock_sendall = _refusal("sock_sendall", _NETWORK)
    sock_sendto = _refusal("sock_sendto", _NETWORK)
    sock_connect = _refusal("sock_connect", _NETWORK)
    sock_accept = _refusal("sock_accept", _NETWORK)
    sock_sendfile = _refusal("sock_sendfile", _NETWORK)
    subprocess_shell = _refusal("subprocess_shell", _PROCESS)
    subprocess_exec = _refusal("subprocess_exec", _PROCESS)
