"""The process between a Python program and its server: no orphan, however the program dies.

Run as a script, never imported, with nothing but the standard library (``python -I -S``), so that it starts in a few
milliseconds. Its standard input is a pipe whose other end only the parent holds and never writes to. When the parent
closes it, or dies in whatever way, kill -9 included, the pipe ends; then the server gets SIGTERM, and SIGKILL after
the grace period. The operating system closes pipes on Linux and macOS alike, and no thread of the parent matters
(unlike PR_SET_PDEATHSIG, which fires when the *thread* that forked ends). Should this very process be killed, Linux
kills the server with it.

A multiprocessing child forked by the parent holds a copy of the pipe's end, so a change of the parent PID counts too.

Usage: python _supervisor.py GRACE_SECONDS LOCK_FD COMMAND...
Prints the server's PID on standard output; exits with its exit code, or 128 + the signal that ended it.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_POLL_S = 1.0


def _death_signal_setter() -> Callable[[], None] | None:
    """What the child runs before exec so that it dies with this process; only Linux has that."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded before the fork: importing after it may deadlock
    supervisor = os.getpid()

    def set_death_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != supervisor:  # it died between the fork and the line above
            os._exit(1)

    return set_death_signal


def _watch(server: "subprocess.Popen[bytes]", parent: int, wakeup: int, stopping: list[int]) -> None:
    """Returns when the server has ended or is to be ended."""
    while server.poll() is None and not stopping and os.getppid() == parent:
        readable, _, _ = select.select([0, wakeup], [], [], _POLL_S)
        if 0 in readable and not os.read(0, 4096):
            return
        if wakeup in readable:
            os.read(wakeup, 4096)


def _end(server: "subprocess.Popen[bytes]", grace_s: float) -> None:
    """Asks the server to end, and ends it when it has not done so within the grace period."""
    if server.poll() is not None:
        return
    server.send_signal(signal.SIGTERM)
    server.send_signal(signal.SIGCONT)  # a suspended server could not obey
    try:
        server.wait(grace_s)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def main(arguments: list[str]) -> int:
    """Runs the command until it ends or the parent does; returns the exit code to use."""
    grace_s, lock_fd, command = float(arguments[0]), int(arguments[1]), arguments[2:]
    parent = os.getppid()
    wakeup, wakeup_end = os.pipe()
    os.set_blocking(wakeup_end, False)
    signal.set_wakeup_fd(wakeup_end, warn_on_full_buffer=False)
    stopping: list[int] = []
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: stopping.append(number))
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=2,  # the log file: standard output belongs to the parent
        stderr=2,
        pass_fds=[lock_fd],  # the lock on the folder lasts as long as anything that may write there
        preexec_fn=_death_signal_setter(),
    )
    started = f"{server.pid}\n".encode()
    try:
        os.write(1, started)
    except BrokenPipeError:
        stopping.append(signal.SIGPIPE)
    try:
        _watch(server, parent, wakeup, stopping)
    finally:
        _end(server, grace_s)
    code = server.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
