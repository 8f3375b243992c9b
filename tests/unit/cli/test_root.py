"""The command line without a broker: help, options, settings, errors and completion."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from foldlog.cli._command import Command, Group, Settings, pass_settings
from foldlog.cli._errors import CliError, ExitCode, translated
from foldlog.cli._root import COMMANDS, cli
from foldlog.client import WorkflowQueryFailedError
from foldlog.connectors.embedded.exceptions import FolderInUseError, FolderUnusableError, PortInUseError
from foldlog.connectors.health import MonitoringAddressError
from foldlog.exceptions import (
    DeadlineExceededError,
    FailedPreconditionError,
    FoldlogError,
    InvalidArgumentError,
    UnavailableError,
    WorkflowAlreadyStartedError,
    WorkflowNotFoundError,
)
from foldlog.transport.errors import BrokerUnreachableError, ConfigurationError, NoAnswerError, TopicMissingError

NOTHING_SET: dict[str, str | None] = {"KAFKA_BOOTSTRAP_SERVERS": None, "FOLDLOG_NAMESPACE": None}


def invoke(*arguments: str, env: dict[str, str | None] | None = None) -> Result:
    return CliRunner(env={**NOTHING_SET, **(env or {})}).invoke(cli, arguments)


def leaves() -> list[tuple[str, ...]]:
    """Every command, as it is typed."""
    found: list[tuple[str, ...]] = []
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        if isinstance(command, click.Group):
            found += [(name, sub) for sub in command.commands]
        else:
            found.append((name,))
    return found


@pytest.mark.parametrize("path", leaves(), ids=" ".join)
def test_every_command_explains_itself_and_takes_the_global_options(path: tuple[str, ...]) -> None:
    result = invoke(*path, "--help")
    assert result.exit_code == 0
    assert "--json" in result.output
    assert "--namespace" in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_itself(name: str) -> None:
    module, attribute = COMMANDS[name][0].split(":")
    command = getattr(importlib.import_module(f"foldlog.cli.{module}"), attribute)
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name][1]
    assert COMMANDS[name][1] in invoke("--help").output


def test_help_and_completion_of_the_root_import_nothing_heavy() -> None:
    code = (
        "import sys; from foldlog.cli._root import cli; cli(['--help'], standalone_mode=False); "
        "names = {'confluent_kafka', 'fastavro', 'rich', 'structlog', 'asyncio', 'prometheus_client'}; "
        "heavy = names & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_help_shows_defaults_as_they_are_typed() -> None:
    """In brackets of its own, as click has the words of a default that is none."""
    shown = [
        CliRunner().invoke(cli, [*command, "--help"]).output
        for command in (["workflow", "signal"], ["workflow", "result"])
    ]
    assert ("[default: 10s]" in shown[0], "[default: (without limit)]" in shown[1]) == (True, True)


def test_an_unknown_command_is_a_usage_error() -> None:
    result = invoke("nosuch")
    assert result.exit_code == ExitCode.USAGE
    assert "No such command 'nosuch'" in result.stderr


def test_version() -> None:
    assert invoke("--version").output.startswith("foldlog, version ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    result = invoke("completion", shell)
    assert result.exit_code == 0
    assert "_FOLDLOG_COMPLETE" in result.output


def test_completion_offers_commands_and_their_help() -> None:
    env: dict[str, str | None] = {"_FOLDLOG_COMPLETE": "zsh_complete", "COMP_WORDS": "foldlog to", "COMP_CWORD": "1"}
    result = CliRunner(env=env).invoke(cli, prog_name="foldlog", complete_var="_FOLDLOG_COMPLETE")
    assert result.output.splitlines() == ["plain", "topics", COMMANDS["topics"][1]]


BASH = shutil.which("bash")


@pytest.mark.skipif(BASH is None, reason="there is no bash")
def test_bash_completes_with_the_script_that_it_is_given(tmp_path: Path) -> None:
    """As in a shell: the script is read, and the function that it declares for `foldlog` is asked."""
    command = tmp_path / "foldlog"
    command.write_text(
        f"#!{sys.executable}\nimport sys\nfrom foldlog.cli._root import cli\nsys.exit(cli(prog_name='foldlog'))\n"
    )
    command.chmod(0o755)
    typed = [["work"], ["workflow", "st"], ["workflow", "list", "--status", "com"], ["topics", "check", "--log-l"]]
    asked = "\n".join(
        f"COMP_WORDS=(foldlog {' '.join(words)}); COMP_CWORD={len(words)}; COMPREPLY=(); "
        "_foldlog_completion foldlog; echo ${COMPREPLY[*]}"
        for words in typed
    )
    script = f'set -e; eval "$(foldlog completion bash)"; complete -p foldlog\n{asked}'
    env = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([str(BASH), "-c", script], capture_output=True, text=True, check=False, env=env)
    assert done.returncode == 0, done.stderr
    declared, *offered = done.stdout.splitlines()
    assert "_foldlog_completion foldlog" in declared
    assert offered == ["worker workflow", "start", "completed", "--log-level"]


# Settings


@pytest.fixture
def probe() -> click.Group:
    """A root like the real one, with a command that shows its settings."""

    @click.group(cls=Group, params=list(cli.params))
    def root(**_: object) -> None:
        """A root."""

    @root.command()
    @pass_settings
    def show(settings: Settings) -> None:
        """Show them."""
        click.echo(repr(settings))
        click.echo(f"kafka {settings.kafka!r}")

    assert isinstance(show, Command)
    return root


def settings_of(probe: click.Group, *arguments: str, env: dict[str, str | None] | None = None) -> str:
    result = CliRunner(env={**NOTHING_SET, **(env or {})}).invoke(probe, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_defaults_meet_foldlog_dev(probe: click.Group) -> None:
    output = settings_of(probe, "show")
    assert "namespace='default'" in output
    assert "kafka KafkaConfig(bootstrap_servers='127.0.0.1:9092', options={})" in output


def test_options_stand_before_or_after_the_command_and_the_later_wins(probe: click.Group) -> None:
    assert "namespace='shop'" in settings_of(probe, "-n", "shop", "show")
    assert "namespace='shop'" in settings_of(probe, "show", "--namespace", "shop")
    assert "namespace='b'" in settings_of(probe, "-n", "a", "show", "-n", "b")
    assert "json=True" in settings_of(probe, "--json", "show")
    assert "json=True" in settings_of(probe, "show", "--json")


def test_the_environment_is_overruled_by_options(probe: click.Group) -> None:
    env: dict[str, str | None] = {"FOLDLOG_NAMESPACE": "env", "KAFKA_BOOTSTRAP_SERVERS": "env:1"}
    assert "namespace='env'" in settings_of(probe, "show", env=env)
    assert "KafkaConfig(bootstrap_servers='env:1'" in settings_of(probe, "show", env=env)
    assert "namespace='opt'" in settings_of(probe, "show", "-n", "opt", env=env)
    output = settings_of(probe, "show", "--bootstrap-servers", "opt:2", env=env)
    assert "KafkaConfig(bootstrap_servers='opt:2'" in output


def test_kafka_options_add_up_and_overrule_the_file(probe: click.Group, tmp_path: Path) -> None:
    file = tmp_path / "client.properties"
    file.write_text("bootstrap.servers=file:9\nsecurity.protocol=SSL\nclient.id=file\n", encoding="ascii")
    output = settings_of(
        probe,
        "--kafka-option=client.id=option",
        "show",
        "--kafka-option=socket.timeout.ms=500",
        f"--kafka-config={file}",
    )
    assert "KafkaConfig(bootstrap_servers='file:9'" in output
    assert "'security.protocol': 'SSL'" in output
    assert "'client.id': 'option'" in output
    assert "'socket.timeout.ms': '500'" in output


def test_a_refused_kafka_option_is_a_usage_error_with_its_reason() -> None:
    result = invoke("topics", "check", "--kafka-option", "isolation.level=read_uncommitted")
    assert result.exit_code == ExitCode.USAGE
    assert "isolation.level cannot be set" in result.stderr
    assert "Traceback" not in result.output


NEEDED = {
    "activity": ["id", "--activity-id", "1"],
    "activity fail": ["id", "--activity-id", "1", "--type", "T"],
    "activity update-options": ["id", "--activity-id", "1", "--task-queue", "q"],
    "dead-letters retry": ["0:0"],
    "dead-letters show": ["0:0"],
    "deployment describe": ["name"],
    "deployment set-current": ["name", "build"],
    "deployment set-ramping": ["name", "build", "--percentage", "1"],
    "dev": ["--bootstrap-servers", "127.0.0.1:1"],
    "schedule": ["id"],
    "schedule backfill": ["id", "--start-time", "2026-01-01T00:00:00Z", "--end-time", "2026-01-02T00:00:00Z"],
    "schedule create": ["id", "Order", "-q", "q", "--interval", "1h"],
    "schedule list": [],
    "schedule update": ["id", "--interval", "1h"],
    "worker run": ["examples.hello_world", "-q", "q"],
    "workflow": ["id"],
    "workflow list": [],
    "workflow query": ["id", "status"],
    "workflow signal": ["id", "approve"],
    "workflow start": ["Order", "-q", "q"],
    "workflow update": ["id", "approve"],
    "workflow update-options": ["id", "--versioning-override-behavior", "auto_upgrade"],
}
"""What a command does not run without, by its name, else by its group's."""
SPEAKING = [path for path in leaves() if path[0] not in ("check", "completion", "replay")]
"""The commands that speak to Kafka."""


@pytest.mark.parametrize("path", SPEAKING, ids=" ".join)
@pytest.mark.parametrize("way", ["option", "file"])
def test_every_command_that_speaks_to_kafka_gives_its_client_the_options(
    path: tuple[str, ...], way: str, tmp_path: Path
) -> None:
    """The client itself says that it does not know this one."""
    file = tmp_path / "client.properties"
    file.write_text("bootstrap.servers=127.0.0.1:1\nno.such.option=1\n", encoding="ascii")
    given = {"option": ["--kafka-option", "no.such.option=1"], "file": ["--kafka-config", str(file)]}[way]
    result = invoke(*path, *NEEDED.get(" ".join(path), NEEDED.get(path[0], [])), *given)
    assert (result.exit_code, result.stderr) == (
        ExitCode.USAGE,
        'error: the Kafka client refuses its options: No such configuration property: "no.such.option"\n',
    )


# Errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WorkflowNotFoundError("x"), ExitCode.NOT_FOUND),
        (WorkflowNotFoundError("x", closed=True), ExitCode.REFUSED),
        (TopicMissingError("x"), ExitCode.NOT_FOUND),
        (InvalidArgumentError("x"), ExitCode.USAGE),
        (ConfigurationError("x"), ExitCode.USAGE),
        (MonitoringAddressError("h", 1, OSError()), ExitCode.USAGE),
        (PortInUseError(1), ExitCode.USAGE),
        (FolderInUseError(Path("x"), 1), ExitCode.USAGE),
        (FolderUnusableError(Path("x"), "full"), ExitCode.USAGE),
        (FailedPreconditionError("x"), ExitCode.REFUSED),
        (WorkflowAlreadyStartedError("id", "type"), ExitCode.REFUSED),
        (DeadlineExceededError("x"), ExitCode.UNAVAILABLE),
        (UnavailableError("x"), ExitCode.UNAVAILABLE),
        (BrokerUnreachableError("h:1"), ExitCode.UNAVAILABLE),
        (NoAnswerError("id", "topic", 0, 1.0), ExitCode.UNAVAILABLE),
        (FoldlogError("x"), ExitCode.FAILED),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_each_error_has_its_exit_code(error: BaseException, code: ExitCode) -> None:
    shown = translated(error)
    assert shown is not None
    assert shown.code is code
    assert shown.exit_code == code


@pytest.mark.parametrize("address", ["127.0.0.1:9092", "localhost:9092", "localhost"])
def test_who_has_no_kafka_here_is_told_of_the_command_that_runs_one(address: str) -> None:
    shown = translated(BrokerUnreachableError(address))
    assert shown is not None
    assert "`foldlog dev`" in shown.message


def test_who_asked_for_a_kafka_elsewhere_is_not() -> None:
    shown = translated(BrokerUnreachableError("localhost.example:9093"))
    assert shown is not None
    assert "foldlog dev" not in shown.message


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["start", "", "-q", "q"], "TYPE"),
        (["start", "Order", "-q", "q", "--id", ""], "--id"),
        (["start", "Order", "-q", "q", "--timeout", "99999999999999d"], "--timeout"),
        (["signal", "", "approve"], "WORKFLOW_ID"),
        (["signal", "order-1", ""], "SIGNAL"),
        (["query", "order-1", ""], "QUERY"),
        (["describe", ""], "WORKFLOW_ID"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_sent_is_refused_by_name_before_anybody_is_asked(arguments: list[str], name: str) -> None:
    result = invoke("workflow", *arguments, "--bootstrap-servers", "127.0.0.1:1")
    assert result.exit_code == ExitCode.USAGE
    assert name in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("address", ["foo bar", "localhost:99999", "localhost:x", "a:1,,b:2"])
def test_what_is_no_address_is_refused_at_once(address: str) -> None:
    result = invoke("workflow", "list", "--bootstrap-servers", address)
    assert result.exit_code == ExitCode.USAGE
    assert "host:port" in result.stderr


@pytest.mark.parametrize("path", [["workflow", "result"], ["schedule", "describe"], ["topics", "check"]], ids=" ".join)
def test_a_time_to_wait_is_written_alike_everywhere_and_is_not_0(path: list[str]) -> None:
    needed = ["id"] if path[0] != "topics" else []
    refused = invoke(*path, *needed, "--bootstrap-servers", "127.0.0.1:1", "--timeout", "0s")
    assert (refused.exit_code, "'0s' is no time to wait" in refused.stderr) == (ExitCode.USAGE, True)
    begun = time.monotonic()
    away = invoke(*path, *needed, "--bootstrap-servers", "127.0.0.1:1", "--timeout", "100ms")
    assert (away.exit_code, "no Kafka broker can be reached" in away.stderr) == (ExitCode.UNAVAILABLE, True)
    assert time.monotonic() - begun < 9  # without the option, a client waits 10 s for a broker


def test_a_configured_broker_that_is_away_is_told_of_and_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foldlog.cli.dev._GIVEN_BROKER_TIMEOUT", timedelta(seconds=0.1))
    away = invoke("dev", "--port", "0", "--", "true", env={"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"})
    assert away.exit_code == ExitCode.UNAVAILABLE
    assert "127.0.0.1:1 is used and none is started: --port has no effect\n" in away.stderr
    assert "starts a Kafka of its own where KAFKA_BOOTSTRAP_SERVERS is not set" in away.stderr


@pytest.mark.parametrize("command", [["topics", "check"], ["dead-letters", "list"]], ids=" ".join)
def test_who_waits_for_kafka_is_told_why(command: list[str]) -> None:
    away = [*command, "--bootstrap-servers", "127.0.0.1:1", "--timeout", "1.3"]
    waited = invoke(*away)
    first, last = waited.stderr.splitlines()
    assert first.startswith("waiting up to 1.3 s for Kafka at 127.0.0.1:1: ")
    assert "Connection refused" in first
    assert last.startswith("error: no Kafka broker can be reached at 127.0.0.1:1 (")
    assert "Connection refused" in last
    assert waited.exit_code == ExitCode.UNAVAILABLE
    [told] = invoke(*away, "--json").stderr.splitlines()
    assert "Connection refused" in json.loads(told)["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["workflow", "start", "Order", "-q", "q", "--retry-initial-interval", "0s"],
            "--retry-initial-interval must be",
        ),
        (
            [
                "workflow",
                "start",
                "Order",
                "-q",
                "q",
                "--retry-initial-interval",
                "9s",
                "--retry-maximum-interval",
                "8s",
            ],
            "--retry-maximum-interval must not be less than --retry-initial-interval",
        ),
        (
            ["activity", "update-options", "id", "--type", "T", "--retry-backoff-coefficient", "0.5"],
            "--retry-backoff-coefficient must be",
        ),
        (["activity", "update-options", "id", "--type", "T", "--fairness-weight", "nan"], "--fairness-weight must be"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_errors_have_the_names_of_options_as_they_are_typed(arguments: list[str], told: str) -> None:
    result = invoke(*arguments, "--bootstrap-servers", "127.0.0.1:1")
    assert (result.exit_code, result.stderr[: len(told) + 7]) == (ExitCode.USAGE, f"error: {told}")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            ConfigurationError("a backfill's end_at must not be before its start_at: 'it's end_at'"),
            "a backfill's --end-time must not be before its --start-time: 'it's end_at'",
        ),
        (
            ConfigurationError("option start_at: /var/start_at, my.start_at: no"),
            "option --start-time: /var/start_at, my.start_at: no",
        ),
        (InvalidArgumentError("filter 'end_at = 1 and start_at = 2'"), "filter 'end_at = 1 and start_at = 2'"),
        (FailedPreconditionError("choose another start_at"), "choose another --start-time"),
        (WorkflowNotFoundError("workflow 'x' is not known: start_at"), "workflow 'x' is not known: start_at"),
        (WorkflowQueryFailedError("the id or start_at is missing"), "the id or start_at is missing"),
    ],
    ids=str,
)
def test_what_somebody_has_named_like_an_option_keeps_its_name(error: Exception, told: str) -> None:
    shown = translated(error, {"start_at": "--start-time", "end_at": "--end-time", "id": "--workflow-id"})
    assert shown is not None
    assert shown.message == told


@pytest.mark.parametrize(
    "arguments",
    [
        ["workflow", "terminate", "id", "--run-id", ""],
        ["workflow", "terminate", "id", "-n", ""],
        ["workflow", "start", "Order", "-q", ""],
        ["workflow", "start", "Order", "-q", "q", "--signal", ""],
        ["workflow", "update", "id", "approve", "--update-id", ""],
        ["workflow", "list", "--type", ""],
        ["schedule", "create", "id", "Order", "-q", ""],
        ["schedule", "create", "id", "Order", "-q", "q", "--workflow-id", ""],
        ["schedule", "create", "id", "Order", "-q", "q", "--time-zone", ""],
        ["activity", "fail", "id", "-a", "1", "--type", ""],
        ["worker", "run", "module", "-q", ""],
    ],
    ids=" ".join,
)
def test_a_name_of_an_unset_variable_is_refused(arguments: list[str]) -> None:
    """Without a run ID, the run would be any one, and without a type, the list that of all types."""
    result = invoke(*arguments, "--bootstrap-servers", "127.0.0.1:1")
    assert (result.exit_code, "must not be empty" in result.stderr) == (ExitCode.USAGE, True)


def test_a_defect_keeps_its_traceback() -> None:
    assert translated(ZeroDivisionError()) is None


def test_errors_are_text_or_json_on_stderr(probe: click.Group) -> None:
    @probe.command()
    def fail() -> None:
        """Fail."""
        raise CliError("no luck", ExitCode.REFUSED, workflow_id="order-1")

    plain = CliRunner().invoke(probe, ["fail"])
    assert (plain.exit_code, plain.stdout, plain.stderr) == (5, "", "error: no luck\n")
    machine = CliRunner().invoke(probe, ["fail", "--json"])
    assert machine.exit_code == 5
    assert json.loads(machine.stderr) == {"error": {"code": "REFUSED", "message": "no luck", "workflow_id": "order-1"}}


@pytest.mark.parametrize(
    "arguments",
    [
        ["workflow", "start", "Order", "-q", "q", "-i", "{bad"],
        ["workflow", "start", "Order"],
        ["workflow", "list", "--nosuch"],
        ["dead-letters", "retry"],
        ["dead-letters", "show", "x"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_is_told_in_json_too(arguments: list[str]) -> None:
    assert "Usage: " in invoke(*arguments).stderr
    for line in ([*arguments, "--json"], ["--json", *arguments]):
        result = invoke(*line)
        assert (result.exit_code, result.stdout) == (ExitCode.USAGE, "")
        assert json.loads(result.stderr)["error"]["code"] == "USAGE"


def test_exit_codes_are_the_documented_ones() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "FAILED": 1,
        "USAGE": 2,
        "NOT_FOUND": 3,
        "UNAVAILABLE": 4,
        "REFUSED": 5,
        "INTERRUPTED": 130,
    }
