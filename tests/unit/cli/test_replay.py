"""`foldlog replay`: files, folders, stdin, and what the process ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from foldlog.cli._root import cli

from tests.histories.case import FOLDER

HELLO = FOLDER / "hello-world.json"
CHANGED = """
from foldlog import workflow
from foldlog.worker import Replayer


@workflow.defn
class Greeting:
    @workflow.run
    async def run(self, name: str) -> str:
        return await workflow.execute_activity("compose_greeting", name, start_to_close_timeout=None or SECOND)


from datetime import timedelta

SECOND = timedelta(seconds=1)


def make() -> Replayer:
    return Replayer(workflows=[Greeting])
"""


def replay(*arguments: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["replay", *map(str, arguments)], input=stdin)


def test_what_replays_ends_with_0() -> None:
    result = replay("examples.hello_world", HELLO, FOLDER / "hello-world-terminated.json")
    assert result.exit_code == 0, result.output
    assert f"{HELLO}  ok, 6 events" in result.output


def test_a_folder_and_json() -> None:
    result = replay("--json", "examples.order.workflow", FOLDER)
    outcomes = {Path(each["file"]).stem: each for each in json.loads(result.stdout)}
    assert result.exit_code == 1  # the greetings are of a type that the module does not have
    assert outcomes["order-completed"]["error"] is None
    assert outcomes["order-completed"]["events"] > 10
    assert "Greeting is not registered" in outcomes["hello-world"]["error"]
    assert not outcomes["hello-world"]["nondeterminism"]


def test_stdin() -> None:
    result = replay("examples.hello_world", "-", stdin=HELLO.read_text(encoding="utf-8"))
    assert result.exit_code == 0, result.output
    assert "ok, 6 events" in result.output


@pytest.mark.parametrize("target", ["changed_greeting", "changed_greeting:make", "changed_greeting:Greeting"])
def test_a_difference_is_told_and_ends_with_1(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "changed_greeting.py").write_text(CHANGED, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    result = replay(target, HELLO)
    assert result.exit_code == 1
    assert "event 2 TimerStarted(timer_id=1) is in the history" in result.output
    assert "now decides ScheduleActivity(activity_type='compose_greeting'" in result.output
    assert "changed_greeting.py:10 in Greeting.run" in result.output
    assert "1 of 1 histories do not replay" in result.stderr
    [outcome] = json.loads(replay("--json", target, HELLO).stdout)
    assert outcome["nondeterminism"]


def test_no_history_ends_with_1(tmp_path: Path) -> None:
    assert replay("examples.hello_world").exit_code == 2
    result = replay("examples.hello_world", tmp_path)
    assert result.exit_code == 1
    assert "there is no .json file" in result.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("garbage", "no workflow history in JSON"),
        ('["a"]', "it.json  FAILED\n  this is no workflow history"),
        ('"a"', "prints it: this is a string"),
        ('{"workflow_id": 5, "events": [{"type": "TimerFired", "event": {}}]}', "no TimerFired: timer_id is missing"),
        ('{"workflow_id": "w", "events": []}', "has no events"),
        ('{"events": [{"eventId": "1", "eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED"}]}', "history of Temporal"),
    ],
)
def test_what_is_no_history_is_told(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "it.json").write_text(text, encoding="utf-8")
    result = replay("examples.hello_world", tmp_path, HELLO)
    assert result.exit_code == 1
    assert told in result.output
    assert "1 of 2 histories do not replay" in result.stderr


def test_of_code_that_raises_its_own_lines_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raising = CHANGED.replace("SECOND)", "SECOND / 0)")
    assert raising != CHANGED
    (tmp_path / "raising_greeting.py").write_text(raising, encoding="utf-8")
    (tmp_path / "lonely_greeting.py").write_text(CHANGED.replace("self, name: str", "self"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    raised = replay("raising_greeting", HELLO).stdout
    assert "raising_greeting.py" in raised
    assert "ZeroDivisionError" in raised
    assert "instance.py" not in raised
    refused = replay("lonely_greeting", HELLO).stdout
    assert refused.endswith("takes 0 arguments, but was started with 1\n")


def test_targets_without_workflows_are_refused() -> None:
    assert replay("examples.hello_world:compose_greeting", HELLO).exit_code == 2
    assert replay("examples.order.activities", HELLO).exit_code == 2
    assert replay("examples.order.ledger:Path.cwd", HELLO).exit_code == 2  # a function that makes no replayer
    assert replay("examples.nosuch", HELLO).exit_code == 2
