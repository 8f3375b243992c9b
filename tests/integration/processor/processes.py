"""Processes of a fault test: started, killed, suspended, and started again."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

STOP_SECONDS = 90.0
ROOT = Path(__file__).parents[3]


@dataclass
class Member:
    """One process, through all its lives."""

    name: str
    role: str
    instance_id: str = ""
    state: str = "state"
    process: subprocess.Popen[bytes] | None = None
    killed: bool = True
    """Its end was wanted."""
    lives: int = 0


@dataclass
class Fleet:
    """The processes of one namespace. A context manager: none of them outlives it."""

    servers: str
    namespace: str
    folder: Path
    program: str = "tests.integration.processor.program"
    """What they run."""
    members: dict[str, Member] = field(default_factory=dict)

    def start(self, name: str, role: str, *, instance_id: str = "", state: str = "") -> Member:
        """Start a process that is new, or one that has ended.

        Args:
            name: Of the process, here and of its log.
            role: See the program.
            instance_id: Its stable name; empty: none.
            state: Its state folder within the fleet's; the name, if empty.
        """
        member = self.members.setdefault(name, Member(name, role, instance_id, state or name))
        command = [sys.executable, "-m", self.program, member.role]
        command += ["--servers", self.servers, "--namespace", self.namespace, "--folder", str(self.folder)]
        command += ["--state", member.state, "--instance-id", member.instance_id]
        with self.log(name).open("ab") as log:
            member.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        member.killed = False
        member.lives += 1
        return member

    def log(self, name: str) -> Path:
        """Where a process writes to, in all its lives."""
        return self.folder / f"{name}.log"

    async def until_ready(self, name: str, deadline: float = 90.0) -> None:
        """Wait until the process does its work.

        Raises:
            AssertionError: It ends instead, or takes too long.
        """
        member = self.members[name]
        end = asyncio.get_running_loop().time() + deadline
        while self.log(name).read_bytes().count(b"ready\n") < member.lives:
            self.check()
            assert asyncio.get_running_loop().time() < end, f"{name} is not ready in time: {self.tail(name)}"
            await asyncio.sleep(0.02)

    def kill(self, name: str) -> None:
        """End a process without a word."""
        member = self.members[name]
        member.killed = True
        assert member.process is not None
        member.process.kill()
        member.process.wait()

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal, such as SIGSTOP and SIGCONT."""
        process = self.members[name].process
        assert process is not None
        process.send_signal(number)

    async def stop(self, name: str) -> None:
        """Ask a process to end, and wait.

        Raises:
            AssertionError: It ends badly, or too late.
        """
        member = self.members[name]
        member.killed = True
        process = member.process
        assert process is not None
        process.terminate()
        code = await asyncio.to_thread(process.wait, STOP_SECONDS)
        assert code == 0, f"{name} ended with {code}: {self.tail(name)}"

    async def stop_all(self) -> None:
        """Ask all that run to end, one after the other."""
        for name, member in self.members.items():
            if not member.killed:
                await self.stop(name)

    def check(self) -> None:
        """Nobody may end by itself.

        Raises:
            AssertionError: Somebody has.
        """
        for member in self.members.values():
            code = member.process.poll() if member.process is not None else None
            assert code is None or member.killed, f"{member.name} ended with {code}: {self.tail(member.name)}"

    def has_ended(self, name: str) -> bool:
        """Whether a process has ended, with an error; that counts as wanted from here on."""
        member = self.members[name]
        assert member.process is not None
        member.killed = member.killed or bool(member.process.poll())
        return member.process.poll() is not None

    def tail(self, name: str) -> str:
        """The end of a process's log."""
        return self.log(name).read_text(errors="replace")[-4000:]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self.members.values():
            if member.process is not None and member.process.poll() is None:
                member.process.kill()
                member.process.wait()
