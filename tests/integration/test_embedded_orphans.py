"""No embedded server outlives the program that started it, in whatever way that program ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from foldlog.connectors.embedded import EmbeddedKafka

from tests.until import wait_until

_DEADLINE_S = 200.0
"""More than a broker may take to end that writes its class cache."""

STARTS_A_BROKER = """
import signal, sys, threading
from foldlog.connectors.embedded import EmbeddedKafka, KafkaOptions
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
with EmbeddedKafka(sys.argv[1], options=KafkaOptions(stop_timeout_s=100)) as kafka:
    print(kafka.pid, flush=True)
    threading.Event().wait()
"""

FORKS_A_CHILD_THAT_STAYS = """
import os, sys, threading
from foldlog.connectors.embedded import EmbeddedKafka
kafka = EmbeddedKafka(sys.argv[1])
kafka.start()
child = os.fork()
if child:
    print(kafka.pid, child, flush=True)
threading.Event().wait()
"""

ENDS_WITHOUT_STOPPING = """
import os, sys
from foldlog.connectors.embedded import EmbeddedKafka
kafka = EmbeddedKafka(sys.argv[1])
kafka.start()
print(kafka.pid, flush=True)
os._exit(0)
"""


def gone(process: psutil.Process) -> bool:
    """Whether a process has ended; in a container nobody may collect its exit code."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Programs:
    """Starts Python programs, and ends at last whatever they and their servers left behind."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []
        self._seen: list[psutil.Process] = []

    def run(self, code: str, folder: Path) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            [sys.executable, "-c", code, str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a process group of its own, to be sent Ctrl-C as a terminal does
        )
        self._started.append(program)
        return program

    def pids(self, program: subprocess.Popen[str]) -> list[psutil.Process]:
        """The processes whose PIDs the program prints in its first line."""
        assert program.stdout is not None
        found = [psutil.Process(int(pid)) for pid in program.stdout.readline().split()]
        assert found, "the program printed no PID"
        self._seen += found
        return found

    def end(self) -> None:
        for process in self._seen:
            if process.is_running():
                process.kill()
        for program in self._started:
            program.kill()
            program.wait()
            assert program.stdout is not None
            program.stdout.close()


@pytest.fixture
def programs() -> Iterator[Programs]:
    started = Programs()
    yield started
    started.end()


def test_kill_9_of_the_program_ends_the_broker_and_frees_the_folder(programs: Programs, tmp_path: Path) -> None:
    program = programs.run(STARTS_A_BROKER, tmp_path / "data")
    (jvm,) = programs.pids(program)
    supervisor = jvm.parent()
    assert supervisor is not None
    program.kill()
    # No waiting: a start right after the crash waits for the broker that is just shutting down, also while nobody has
    # collected the exit code of the program.
    wait_until(lambda: gone(psutil.Process(program.pid)), "the program has ended")
    with EmbeddedKafka(tmp_path / "data") as again:
        assert gone(jvm)
        again.check()
    wait_until(lambda: gone(supervisor), "the supervisor has ended")


def test_kill_9_while_the_broker_is_starting_leaves_no_process(programs: Programs, tmp_path: Path) -> None:
    program = programs.run(STARTS_A_BROKER, tmp_path / "data")
    parent = psutil.Process(program.pid)
    # The supervisor and the JVM, or the formatting.
    wait_until(lambda: len(parent.children(recursive=True)) >= 2, "both run")
    family = parent.children(recursive=True)
    program.kill()
    program.wait()
    wait_until(lambda: all(gone(process) for process in family), "all have ended")


def test_a_forked_child_that_lives_on_does_not_keep_the_broker(programs: Programs, tmp_path: Path) -> None:
    # The child holds a copy of the pipe whose end the supervisor waits for.
    program = programs.run(FORKS_A_CHILD_THAT_STAYS, tmp_path / "data")
    jvm, child = programs.pids(program)
    program.kill()
    program.wait()
    wait_until(lambda: gone(jvm), "the JVM has ended")
    assert not gone(child)


def test_a_program_that_forgets_to_stop_it_leaves_no_broker(programs: Programs, tmp_path: Path) -> None:
    program = programs.run(ENDS_WITHOUT_STOPPING, tmp_path / "data")
    (jvm,) = programs.pids(program)
    assert program.wait(_DEADLINE_S) == 0
    wait_until(lambda: gone(jvm), "the JVM has ended")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a process to the death of its parent")
def test_kill_9_of_the_supervisor_ends_the_broker(programs: Programs, tmp_path: Path) -> None:
    program = programs.run(STARTS_A_BROKER, tmp_path / "data")
    (jvm,) = programs.pids(program)
    supervisor = jvm.parent()
    assert supervisor is not None
    supervisor.kill()
    wait_until(lambda: gone(jvm), "the JVM has ended")


def test_ctrl_c_stops_the_broker_in_order(programs: Programs, tmp_path: Path) -> None:
    program = programs.run(STARTS_A_BROKER, tmp_path / "data")
    (jvm,) = programs.pids(program)
    os.killpg(program.pid, signal.SIGINT)
    assert program.wait(_DEADLINE_S) in (1, -signal.SIGINT)
    assert gone(jvm)
    # Only an orderly shutdown writes this file; a start after a crash would have to recover the logs.
    assert list((tmp_path / "data").rglob(".kafka_cleanshutdown"))


@pytest.mark.parametrize(
    ("server", "number", "address"),
    [
        ("kafka", signal.SIGINT, "127.0.0.1:"),
        ("kafka", signal.SIGTERM, "127.0.0.1:"),
        ("registry", signal.SIGTERM, "http://127.0.0.1:"),
    ],
)
def test_the_runner_ends_by_a_signal_with_code_0(
    tmp_path: Path, server: str, number: signal.Signals, address: str
) -> None:
    command = [sys.executable, "-m", "foldlog.connectors.embedded", server, "--port", "0"]
    with subprocess.Popen(
        [*command, "--folder", str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as program:
        assert program.stdout is not None
        line = next(line for line in program.stdout if line.startswith(address))
        assert str(tmp_path / "data") in line
        family = psutil.Process(program.pid).children(recursive=True)
        assert family
        os.killpg(program.pid, number)
        assert program.wait(_DEADLINE_S) == 0
    assert all(gone(process) for process in family)
