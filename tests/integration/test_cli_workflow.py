"""The command line against a real broker and a worker in a process of its own, as people and scripts use it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from foldlog.cli._errors import ExitCode
from foldlog.cli._root import cli
from foldlog.client import WorkflowHistory

from tests.integration.command_line import DEADLINE_SECONDS, ask, run, run_out_of_time
from tests.integration.command_line_app import APP
from tests.until import wait_until


class WorkerProcess:
    """`foldlog worker run` in a process, with its log in a file."""

    def __init__(self, kafka: str, namespace: str, folder: Path, *arguments: str) -> None:
        self.log = folder / f"worker-{uuid.uuid4().hex}.log"
        command = [sys.executable, "-m", "foldlog.cli", "worker", "run", *arguments]
        command += ["-q", "shop", "--metrics-port", "0", "--log-format", "json", "--bootstrap-servers", kafka]
        command += ["-n", namespace, "--state-dir", str(folder / "state")]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=folder, stderr=log, stdout=log)

    def lines(self) -> list[dict[str, Any]]:
        whole = self.log.read_text(encoding="utf-8").rpartition("\n")[0]  # the last one may be half written
        return [json.loads(line) for line in whole.splitlines() if line.startswith("{")]

    def await_line(self, text: str) -> dict[str, Any]:
        """The first line of the log with this text in its event, once it is there."""

        def found() -> dict[str, Any] | None:
            for line in self.lines():
                if text in line["event"]:
                    return line
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            return None

        line: dict[str, Any] = wait_until(found, f"{text!r} is in {self.log}", DEADLINE_SECONDS)
        return line

    def url(self) -> str:
        """Where it serves metrics, once it does."""
        return str(self.await_line("metrics and health are at")["event"]).rsplit(" ", 1)[-1]

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url() + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:  # it is ending
            return 0, str(error)

    def await_metrics(self, *lines: str) -> None:
        """Wait until all of these are in the metrics: what has been answered is counted a moment later."""

        def are_there() -> bool:
            shown = self.get("/metrics")[1]
            return all(line in shown for line in lines)

        wait_until(are_there, f"the metrics have {lines}", DEADLINE_SECONDS)

    def await_ready(self, status: int = 200) -> None:
        def answers() -> bool:
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            return self.get("/readyz")[0] == status

        wait_until(answers, f"it answers {status}", DEADLINE_SECONDS)

    def stop(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(DEADLINE_SECONDS)
        finally:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli")
    (folder / "shop.py").write_text(textwrap.dedent(APP), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def shop(kafka: str) -> str:
    """A namespace with topics."""
    namespace = f"test-{uuid.uuid4().hex[:12]}"
    run(kafka, namespace, "topics", "create", "--partitions", "2")
    return namespace


@pytest.fixture(scope="module")
def worker(kafka: str, shop: str, folder: Path) -> Iterator[WorkerProcess]:
    # Attempts whose activity was ended by hand know nothing of it, and are not waited for.
    process = WorkerProcess(kafka, shop, folder, "shop", "--graceful-shutdown", "1s")
    process.await_ready()
    yield process
    process.stop()


@pytest.fixture
def order(kafka: str, shop: str, worker: WorkerProcess) -> str:
    """The ID of a workflow that waits for approval."""
    workflow_id = f"order-{uuid.uuid4().hex[:8]}"
    started = ask(
        kafka, shop, "workflow", "start", "Approval", "--id", workflow_id, "-q", "shop", "-i", '{"cds": 2}',
        "--memo", 'note="gift"',
    )  # fmt: skip
    assert started["workflow_id"] == workflow_id
    assert started["run_id"]
    return workflow_id


def test_start_query_signal_result_history(kafka: str, shop: str, order: str) -> None:
    assert run(kafka, shop, "workflow", "query", order, "status", "-i", '"is "').stdout == '"is waiting"\n'
    described = ask(kafka, shop, "workflow", "describe", order)
    assert (described["status"], described["workflow_type"], described["memo"]) == (
        "RUNNING",
        "Approval",
        {"note": "gift"},
    )

    assert (
        f"{order} has the signal approve"
        in run(kafka, shop, "workflow", "signal", order, "approve", "-i", '"Ann"').stdout
    )
    assert ask(kafka, shop, "workflow", "query", order, "status", "-i", '"by "') == "by Ann"
    result = run(kafka, shop, "workflow", "result", order, "--timeout", "60s")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"order": {"cds": 2}, "by": "Ann"})
    assert ask(kafka, shop, "workflow", "result", order)["status"] == "COMPLETED"

    history = ask(kafka, shop, "workflow", "history", order)
    events = history["events"]
    assert [event["event_id"] for event in events] == list(range(1, len(events) + 1))
    assert [event["type"] for event in events] == [
        "WorkflowExecutionStarted",
        "WorkflowExecutionSignaled",
        "WorkflowExecutionCompleted",
    ]
    assert events[1]["args"] == ["Ann"]
    assert [type(each).__name__ for each in WorkflowHistory.from_json(order, history).events] == [
        event["type"] for event in events
    ]
    assert "WorkflowExecutionSignaled" in run(kafka, shop, "workflow", "history", order).stdout
    assert order in run(kafka, shop, "workflow", "describe", order).stdout


def test_what_is_told_of_chains(kafka: str, shop: str, worker: WorkerProcess) -> None:
    workflow_id = f"order-{uuid.uuid4().hex[:8]}"
    ask(
        kafka, shop, "workflow", "start", "Approval", "--id", workflow_id, "-q", "shop", "-i", "{}",
        "--cron", "@every 1h", "--retry-attempts", "3", "--search-attribute", 'city="Bonn"',
        "--static-summary", "by mail", "--priority", "2",
    )  # fmt: skip
    described = ask(kafka, shop, "workflow", "describe", workflow_id)
    assert (described["cron_schedule"], described["attempt"], described["continued_run_id"]) == ("@every 1h", 1, None)
    assert described["search_attributes"] == {"city": "Bonn"}
    assert described["static_summary"] == "by mail"
    assert described["execution_time"] > described["start_time"]
    assert "by mail" in run(kafka, shop, "workflow", "describe", workflow_id).stdout
    listed = ask(kafka, shop, "workflow", "list", "--id-prefix", workflow_id)
    assert listed[0]["search_attributes"] == {"city": "Bonn"}
    held = run(kafka, shop, "workflow", "query", workflow_id, "status", "-i", '"is "')
    assert (held.exit_code, "has not begun" in held.stderr) == (5, True)
    run(kafka, shop, "workflow", "cancel", workflow_id)
    assert ask(kafka, shop, "workflow", "describe", workflow_id)["status"] == "CANCELED"
    wrong = run(kafka, shop, "workflow", "start", "Approval", "-q", "shop", "--cron", "now and then")
    assert (wrong.exit_code, "cron schedule 'now and then'" in wrong.stderr) == (2, True)
    assert (
        run(kafka, shop, "workflow", "start", "Approval", "-q", "shop", "--retry-initial-interval", "0s").exit_code == 2
    )


def test_updates_and_a_start_with_a_signal(kafka: str, shop: str, order: str) -> None:
    assert run(kafka, shop, "workflow", "update", order, "approve_later", "-i", '"Ann"').stdout == '"Ann approves"\n'
    failed = run(kafka, shop, "workflow", "update", order, "approve_later", "-i", '"nobody"')
    assert (failed.exit_code, "nobody cannot approve" in failed.stderr) == (1, True)
    goes_on = "may still go on"
    late = run_out_of_time(
        kafka, shop, "workflow", "update", order, "approve_later", "-i", '"somebody"', saying=goes_on
    )
    assert (late.exit_code, goes_on in late.stderr) == (4, True)
    accepted = ask(
        kafka, shop, "workflow", "update", order, "approve_later", "-i", '"somebody"', "--update-id", "u1",
        "--wait-for", "accepted",
    )  # fmt: skip
    assert accepted["update_id"] == "u1"
    assert "u1" in ask(kafka, shop, "workflow", "describe", order)["pending_updates"]
    assert "u1" in run(kafka, shop, "workflow", "describe", order).stdout
    again = ask(
        kafka, shop, "workflow", "start", "Approval", "--id", order, "-q", "shop", "-i", "{}",
        "--signal", "approve", "--signal-input", '"Bob"',
    )  # fmt: skip
    assert again["run_id"] == accepted["run_id"]
    result = ask(kafka, shop, "workflow", "update", order, "approve_later", "-i", '"x"', "--update-id", "u1")
    assert result == "Bob approves"
    assert run(kafka, shop, "workflow", "update", order, "approve_later", "-i", '"x"').exit_code == 5


def test_refusals_have_their_exit_codes(kafka: str, shop: str, order: str) -> None:
    again = run(kafka, shop, "workflow", "start", "Approval", "--id", order, "-q", "shop", "-i", "{}")
    assert (again.exit_code, again.stderr.count("\n")) == (5, 1)
    assert "exists already" in again.stderr
    unknown = run(kafka, shop, "workflow", "describe", "nobody", "--json")
    assert unknown.exit_code == 3
    assert json.loads(unknown.stderr)["error"] == {
        "code": "NOT_FOUND",
        "message": f"workflow 'nobody' is not known (namespace '{shop}')",
    }
    no_query = run(kafka, shop, "workflow", "query", order, "nosuch")
    assert (no_query.exit_code, "nosuch" in no_query.stderr) == (1, True)
    waiting = run_out_of_time(kafka, shop, "workflow", "result", order, saying="did not end within")
    assert (waiting.exit_code, "did not end within" in waiting.stderr) == (4, True)
    assert run(kafka, shop, "workflow", "start", "Approval", "-q", "shop", "-i", "no json").exit_code == 2
    no_queue = run(kafka, shop, "workflow", "start", "Approval", "-q", "two words", "-i", "{}")
    assert (no_queue.exit_code, "task queue 'two words'" in no_queue.stderr) == (2, True)
    assert "Traceback" not in again.output + unknown.output + no_query.output + waiting.output


def test_refusals_name_options_as_they_are_typed(kafka: str, shop: str, order: str) -> None:
    def refused(*options: str) -> str:
        return run(kafka, shop, "workflow", "start", "Approval", "-q", "shop", "--id", order, *options).stderr

    assert "--signal-input are given without --signal:" in refused("--signal-input", "1")
    assert "set --id-conflict-policy (it is running) or --id-reuse-policy (it is closed)" in refused()
    assert "--start-delay and --cron cannot be given together" in refused("--start-delay", "1s", "--cron", "@daily")
    assert "'@every 100ms' cannot be used: @every is at least 1 s" in refused("--cron", "@every 100ms")
    tells = "(`foldlog workflow describe` tells)"
    assert tells in run_out_of_time(kafka, shop, "workflow", "result", order, saying=tells).stderr


def test_cancel_and_terminate(kafka: str, shop: str, order: str, worker: WorkerProcess) -> None:
    run(kafka, shop, "workflow", "cancel", order, "--reason", "out of stock")
    ended = run(kafka, shop, "workflow", "result", order)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert f"workflow {order} ended canceled" in ended.stderr

    other = ask(kafka, shop, "workflow", "start", "Approval", "-q", "shop", "-i", "{}")["workflow_id"]
    assert run(kafka, shop, "workflow", "terminate", other, "--reason", "test").exit_code == 0
    failed = run(kafka, shop, "workflow", "result", other, "--json")
    assert (failed.exit_code, json.loads(failed.stdout)["status"]) == (1, "TERMINATED")
    again = run(kafka, shop, "workflow", "terminate", other)
    assert (again.exit_code, "is closed: TERMINATED" in again.stderr) == (5, True)


def test_a_workflow_is_bound_to_a_version(kafka: str, shop: str, order: str) -> None:
    def update(behavior: str, *version: str) -> Result:
        option = "--versioning-override-behavior"
        return run(kafka, shop, "workflow", "update-options", order, option, behavior, *version)

    build = ("--versioning-override-deployment-name", "shop", "--versioning-override-build-id", "2")
    assert (update("pinned").exit_code, update("auto_upgrade", *build).exit_code) == (2, 2)
    done = update("pinned", *build)
    assert (done.exit_code, done.stdout) == (0, f"{order} is now pinned\n")
    found = ask(kafka, shop, "workflow", "describe", order)
    assert (found["deployment_version"], found["versioning_behavior"]) == ("shop.2", "PINNED")
    assert update("unspecified").exit_code == 0
    assert ask(kafka, shop, "workflow", "describe", order)["deployment_version"] is None
    assert run(kafka, shop, "workflow", "signal", order, "approve", "-i", '"Ann"').exit_code == 0


def test_a_start_waits_no_longer_than_it_is_told(
    kafka: str, shop: str, worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = "workflow type Purchase takes 1 arguments, but was started with 0"
    stalls = ("workflow", "start", "Purchase", "--id", "no-amount", "--request-id", "once", "-q", "shop", "--wait")
    waited = run_out_of_time(kafka, shop, *stalls, saying="did not end within")
    assert (waited.exit_code, "did not end within" in waited.stderr) == (4, True)
    monkeypatch.setattr("foldlog.cli._stalled._FIRST_LOOK_SECONDS", 0.01)
    result = ("workflow", "result", "no-amount")
    told, *_, error = run_out_of_time(kafka, shop, *result, saying="waiting for").stderr.splitlines()
    assert told.startswith(f"waiting for no-amount: it is stalled: {why}; ")
    assert f"s: it is stalled: {why}; `foldlog workflow describe no-amount` shows where" in error
    [error] = run_out_of_time(kafka, shop, *result, "--json", saying="stalled_error").stderr.splitlines()
    assert json.loads(error)["error"]["stalled_error"] == why
    sent = run_out_of_time(kafka, shop, "workflow", "update", "no-amount", "approve", saying="is stalled")
    assert (sent.exit_code, f"it is stalled: {why};" in sent.stderr) == (4, True)
    found = ask(kafka, shop, "workflow", "describe", "no-amount")
    assert found["stalled_error"] == why
    assert run(kafka, shop, "workflow", "terminate", "no-amount").exit_code == 0


def test_a_failure_is_shown_with_its_causes(kafka: str, shop: str, worker: WorkerProcess) -> None:
    started = run(kafka, shop, "workflow", "start", "Purchase", "-q", "shop", "-i", "402", "--wait", "--json")
    shown = json.loads(started.stdout)
    assert (started.exit_code, shown["status"]) == (1, "FAILED")
    assert shown["failure"]["type"] == "ActivityError"
    assert shown["failure"]["activity_type"] == "charge"
    assert shown["failure"]["cause"]["type"] == "Declined"
    assert shown["failure"]["cause"]["details"] == [402]


def test_a_stalled_workflow_says_so_everywhere(kafka: str, shop: str, worker: WorkerProcess) -> None:
    stalled = ask(kafka, shop, "workflow", "start", "Buggy", "-q", "shop")["workflow_id"]
    described = ask(kafka, shop, "workflow", "describe", stalled)
    assert described["status"] == "RUNNING"
    assert "a bug" in described["stalled_error"]
    assert "shop.py" in described["stalled_stack"]
    listed = ask(kafka, shop, "workflow", "list", "--stalled")
    assert [row["workflow_id"] for row in listed] == [stalled]
    for told in (("list",), ("describe", stalled)):
        assert "STALLED" in run(kafka, shop, "workflow", *told).stdout
    worker.await_metrics('foldlog_workflow_stalls_total{workflow_type="Buggy"}')
    run(kafka, shop, "workflow", "terminate", stalled)


def test_list_filters(kafka: str, shop: str, order: str) -> None:
    rows = ask(kafka, shop, "workflow", "list", "--status", "running", "--type", "Approval", "--id-prefix", order)
    assert [(row["workflow_id"], row["status"], row["workflow_type"]) for row in rows] == [
        (order, "RUNNING", "Approval")
    ]
    assert ask(kafka, shop, "workflow", "list", "--type", "Nosuch") == []
    assert len(ask(kafka, shop, "workflow", "list", "--limit", "1")) == 1
    run(kafka, shop, "workflow", "terminate", order)


def test_the_worker_is_measured_and_stops_in_order(kafka: str, namespace: str, folder: Path) -> None:
    run(kafka, namespace, "topics", "create", "--partitions", "2")
    process = WorkerProcess(kafka, namespace, folder, "shop:make", "--instance-id", "one")
    try:
        process.await_ready()
        assert process.get("/healthz")[0] == 200
        result = run(kafka, namespace, "workflow", "start", "Greeting", "-q", "shop", "-i", '"Ann"', "--wait")
        assert json.loads(result.stdout) == "Hello, Ann"
        process.await_metrics(
            'foldlog_commands_total{type="StartWorkflow"} 1.0',
            'foldlog_workflows_closed_total{status="COMPLETED",workflow_type="Greeting"} 1.0',
            'foldlog_activity_seconds_count{activity_type="greet",outcome="completed",task_queue="shop"} 1.0',
            "foldlog_partitions_assigned 2.0",
            "foldlog_restore_seconds_count 2.0",
        )
    finally:
        code = process.stop()
    assert code == 0, process.log.read_text(encoding="utf-8")
    assert any("SIGTERM: stopping" in line["event"] for line in process.lines())


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_second_signal_ends_a_worker_that_waits_for_its_activities(
    kafka: str, namespace: str, folder: Path, second: signal.Signals
) -> None:
    run(kafka, namespace, "topics", "create", "--partitions", "2")
    process = WorkerProcess(kafka, namespace, folder, "shop", "--graceful-shutdown", "10m")
    try:
        process.await_ready()
        run(kafka, namespace, "workflow", "start", "Sleeping", "-q", "shop")
        slept = process.await_line("sleeping")
        assert slept["activity_type"] == "sleep"
        assert slept["workflow_id"]
        process.process.send_signal(signal.SIGINT)
        process.await_line("SIGINT: stopping")
        process.await_ready(503)
        process.process.send_signal(second)
        assert process.process.wait(DEADLINE_SECONDS) == -second
    finally:
        process.stop()


def test_a_worker_that_cannot_start_says_why(kafka: str, namespace: str, folder: Path) -> None:
    no_topics = WorkerProcess(kafka, namespace, folder, "shop")
    assert no_topics.process.wait(DEADLINE_SECONDS) == 3
    log = no_topics.log.read_text(encoding="utf-8")
    assert f"foldlog topics create --namespace {namespace}" in log
    assert "Traceback" not in log
    no_module = WorkerProcess(kafka, namespace, folder, "nosuch")
    assert no_module.process.wait(DEADLINE_SECONDS) == 2
    assert "there is no module nosuch" in no_module.log.read_text(encoding="utf-8")


def test_a_worker_whose_state_folder_cannot_be_used_says_which(kafka: str, namespace: str, folder: Path) -> None:
    run(kafka, namespace, "topics", "create", "--partitions", "2")
    (folder / "state").mkdir(exist_ok=True)
    (folder / "state" / namespace).touch()  # where a folder has to be
    refused = WorkerProcess(kafka, namespace, folder, "shop")
    assert refused.process.wait(DEADLINE_SECONDS) == 2
    log = refused.log.read_text(encoding="utf-8")
    assert "option state_dir" in log
    assert "Traceback" not in log


def test_nobody_answers(kafka: str, namespace: str) -> None:
    run(kafka, namespace, "topics", "create", "--partitions", "2")
    silent = run_out_of_time(kafka, namespace, "workflow", "describe", "order-1", saying="foldlog worker run")
    assert (silent.exit_code, "foldlog worker run" in silent.stderr) == (4, True)
    away = CliRunner().invoke(
        cli, ["workflow", "describe", "x", "--bootstrap-servers", "127.0.0.1:1", "--timeout", "0.1"]
    )
    assert (away.exit_code, "no Kafka broker can be reached at 127.0.0.1:1" in away.stderr) == (4, True)


@pytest.fixture
def sleeping(kafka: str, shop: str, worker: WorkerProcess) -> str:
    """The ID of a workflow whose activity does not end by itself."""
    workflow_id = f"sleeping-{uuid.uuid4().hex[:8]}"
    ask(kafka, shop, "workflow", "start", "Sleeping", "--id", workflow_id, "-q", "shop")
    return workflow_id


def _activity(kafka: str, namespace: str, workflow_id: str) -> Any:
    (found,) = ask(kafka, namespace, "workflow", "describe", workflow_id)["pending_activities"]
    return found


def test_an_activity_is_paused_changed_and_ended_by_hand(kafka: str, shop: str, sleeping: str) -> None:
    assert run(kafka, shop, "activity", "pause", sleeping, "--type", "sleep", "--reason", "later").exit_code == 0
    shown = _activity(kafka, shop, sleeping)
    assert (shown["paused"], shown["pause_reason"]) == (True, "later")
    assert "PAUSED" in run(kafka, shop, "workflow", "describe", sleeping).output
    number = shown["activity_id"]
    for command in (
        ["unpause", sleeping, "-a", number, "--reset-attempts", "--jitter", "1s"],
        ["update-options", sleeping, "-a", number, "--retry-maximum-attempts", "3", "--start-to-close-timeout", "1h"],
        ["update-options", sleeping, "-a", number, "--priority", "1", "--fairness-key", "k", "--fairness-weight", "2"],
        ["reset", sleeping, "-a", number, "--restore-original-options"],
    ):
        result = run(kafka, shop, "activity", *command)
        assert result.exit_code == 0, result.output
    assert not _activity(kafka, shop, sleeping)["paused"]
    assert ask(kafka, shop, "activity", "complete", sleeping, "-a", number) == {"workflow_id": sleeping}
    assert ask(kafka, shop, "workflow", "result", sleeping)["status"] == "COMPLETED"
    assert run(kafka, shop, "activity", "complete", sleeping, "-a", number).exit_code == ExitCode.NOT_FOUND


def test_an_activity_is_failed_by_hand(kafka: str, shop: str, sleeping: str) -> None:
    number = _activity(kafka, shop, sleeping)["activity_id"]
    result = run(kafka, shop, "activity", "fail", sleeping, "-a", number, "--reason", "enough", "--type", "Enough")
    assert result.exit_code == 0, result.output
    ended = run(kafka, shop, "workflow", "result", sleeping)
    assert ended.exit_code == ExitCode.FAILED
    assert "Enough: enough" in ended.output


def test_activities_that_are_not_there_and_commands_that_say_too_little(kafka: str, shop: str, sleeping: str) -> None:
    for command, code in (
        (["pause", sleeping, "-a", "nothing"], ExitCode.NOT_FOUND),
        (["fail", sleeping, "-a", "nothing"], ExitCode.NOT_FOUND),
        (["reset", sleeping], ExitCode.USAGE),
        (["unpause", sleeping, "-a", "1", "--type", "sleep"], ExitCode.USAGE),
        (["update-options", sleeping, "--type", "sleep"], ExitCode.USAGE),
        (["complete", sleeping, "-a", "1", "--result", "1", "--result", "2"], ExitCode.USAGE),
        (["update-options", sleeping, "--type", "sleep", "--start-to-close-timeout", "0s"], ExitCode.USAGE),
    ):
        result = run(kafka, shop, "activity", *command)
        assert result.exit_code == code, result.output
    assert run(kafka, shop, "workflow", "terminate", sleeping).exit_code == 0


def test_schedules(kafka: str, shop: str, worker: WorkerProcess) -> None:
    created = ask(
        kafka, shop, "schedule", "create", "rounds", "Approval", "-q", "shop", "-i", '{"sku": 5}',
        "--interval", "1h/5m",
        "--calendar", '{"hour": 9, "day_of_week": "1-5", "minute": "*/15"}', "--cron", "0 8 1 * *",
        "--time-zone", "Europe/Berlin", "--note", "the rounds", "--overlap-policy", "buffer_one", "--paused",
        "--remaining-actions", "3", "--memo", "tries=0", "--search-attribute", 'city="Bonn"', "--trigger-immediately",
    )  # fmt: skip
    assert created == {"schedule_id": "rounds"}
    again = run(kafka, shop, "schedule", "create", "rounds", "Approval", "-q", "shop")
    assert (again.exit_code, "already" in again.stderr) == (5, True)

    def described() -> dict[str, Any]:
        found: dict[str, Any] = ask(kafka, shop, "schedule", "describe", "rounds")
        return found

    wait_until(lambda: described()["running_actions"], "the first action begins", DEADLINE_SECONDS)
    found = described()
    assert found["spec"] == {
        "cron": ["0 8 1 * *"],
        "interval": ["3600s/300s"],
        "calendar": [{"minute": "0-59/15", "hour": "9", "day_of_week": "1-5"}],
        "time_zone": "Europe/Berlin",
    }
    assert (found["paused"], found["note"], found["overlap"]) == (True, "the rounds", "BUFFER_ONE")
    assert (found["args"], found["memo"]) == ([{"sku": 5}], {"tries": 0})
    assert (found["search_attributes"], found["remaining_actions"]) == ({"city": "Bonn"}, 3)
    [running] = found["running_actions"]
    assert "waiting" in run(kafka, shop, "workflow", "query", running["workflow_id"], "status", "-i", '"is "').stdout

    assert run(kafka, shop, "schedule", "unpause", "rounds").exit_code == 0
    assert run(kafka, shop, "schedule", "pause", "rounds", "--note", "holidays").exit_code == 0
    assert run(kafka, shop, "schedule", "update", "rounds", "--interval", "2h", "--no-pause-on-failure").exit_code == 0
    found = ask(kafka, shop, "schedule", "describe", "rounds")
    assert found["spec"] == {"interval": ["7200s"], "time_zone": "Europe/Berlin"}
    assert (found["note"], found["paused"], len(found["next_action_times"])) == ("holidays", True, 10)
    assert run(kafka, shop, "schedule", "update", "rounds").exit_code == 2

    assert run(kafka, shop, "schedule", "trigger", "rounds", "--overlap-policy", "terminate_other").exit_code == 0
    period = ("--start-time", "2026-01-01T00:00Z", "--end-time", "2026-01-01T02:00+00:00")
    backfilled = run(kafka, shop, "schedule", "backfill", "rounds", *period, "--overlap-policy", "ALLOW_ALL")
    assert backfilled.exit_code == 0
    wait_until(lambda: described()["num_actions"] >= 4, "the backfill ends", DEADLINE_SECONDS)
    assert "report" not in (shown := run(kafka, shop, "schedule", "describe", "rounds").stdout)
    assert ("rounds-2026-01-01T02:00:00Z" in shown, "memo tries" in shown) == (True, True)

    def listed() -> list[dict[str, Any]]:
        return [row for row in ask(kafka, shop, "schedule", "list") if row["recent_actions"]]

    rows = wait_until(listed, "it is listed", DEADLINE_SECONDS)
    assert [(row["id"], row["workflow_type"], row["note"]) for row in rows] == [("rounds", "Approval", "holidays")]
    assert "rounds" in run(kafka, shop, "schedule", "list").stdout
    assert run(kafka, shop, "schedule", "delete", "rounds").exit_code == 0
    assert run(kafka, shop, "schedule", "describe", "rounds").exit_code == 3


@pytest.mark.parametrize(
    "wrong",
    [
        ("--interval", "often"),
        ("--calendar", '{"hour": "noon"}'),
        ("--calendar", '{"lunch": 1}'),
        ("--calendar", "7"),
        ("--start-time", "noon"),
        ("--cron", "0 25 * * *"),
        ("--time-zone", "Mars/Olympus"),
    ],
)
def test_what_is_no_schedule(kafka: str, shop: str, wrong: tuple[str, str]) -> None:
    result = run(kafka, shop, "schedule", "create", "wrong", "Approval", "-q", "shop", *wrong)
    assert result.exit_code == 2
    assert wrong[1].split('"')[-2 if '"' in wrong[1] else 0].split(":")[0] in result.stderr
