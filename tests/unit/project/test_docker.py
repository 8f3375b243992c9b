"""What is in docker/ agrees: with itself, with the command line, and with the Kafka that the tests run on.

That the files are well-formed `make lint` says; that their commands work, tests/integration/test_docker.py.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from foldlog.cli._command import global_options
from foldlog.cli._root import cli
from foldlog.cli.worker import run as worker_run

from tests.images import ROOT, images, objects, services

DOCUMENT = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


def seconds(text: str) -> int:
    assert text.endswith("s"), text
    return int(text[:-1])


def pod() -> dict[str, Any]:
    return dict(objects()["StatefulSet"]["spec"]["template"]["spec"])


def variables_that_are_read() -> set[str]:
    """Environment variables that the command line takes, or foldlog itself."""
    options = [*global_options(with_environment=True), *worker_run.params]
    names = {str(option.envvar) for option in options if isinstance(option, click.Option) and option.envvar}
    return names | {"KAFKA_BOOTSTRAP_SERVERS"}


def parse(words: list[str]) -> click.Context:
    """Has click read `foldlog WORDS…` without running it, and gives the context of the last command."""
    context = cli.make_context("foldlog", list(words))
    command: click.Command = cli
    while isinstance(command, click.Group):
        name, found, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        context, command = found.make_context(name, rest, parent=context), found
    return context


def worker_words(more: list[str]) -> list[str]:
    """What follows `foldlog` when the image of a worker is run with arguments."""
    entrypoint = images()["worker"].entrypoint
    assert entrypoint[:3] == ["tini", "--", "foldlog"]
    return [*entrypoint[3:], *more]


def test_each_image_is_built_once() -> None:
    """Compose builds services side by side, and two that make the same image may be in each other's way."""
    built = [service["image"] for service in services().values() if "build" in service]
    ours = {service["image"] for service in services().values() if not service["image"].startswith("apache/")}
    assert sorted(built) == sorted(ours)


def test_the_image_runs_as_nobody_in_particular_and_keeps_its_state_in_a_volume() -> None:
    for name in ("worker", "order-example"):
        image = images()[name]
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", image.user)
        assert image.volumes == [image.environment["FOLDLOG_STATE_DIR"]]
        assert image.stop_signal == "SIGTERM"
    context = parse(worker_words(["shop", "-q", "orders"]))
    assert [str(context.params["metrics_port"])] == images()["worker"].ports
    assert str(context.params["metrics_port"]) in images()["worker"].health_check[-1]
    assert context.params["metrics_host"] == "0.0.0.0"


def test_whatever_is_copied_is_there_and_not_ignored() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_through = {rule[1:] for rule in rules if rule.startswith("!")}
    copied = {path for image in images().values() for path in image.copied}
    assert "*" in rules
    assert copied == let_through
    assert [path for path in copied if not (ROOT / path).exists()] == []


def test_every_package_of_the_wheel_is_copied_to_where_it_is_built() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {f"{Path(package).parts[0]}/" for package in packages} <= set(images()["build"].copied)


def test_kafka_is_the_version_that_the_tests_run_on() -> None:
    lock = ROOT / "connectors" / "foldlog" / "connectors" / "embedded" / "artifacts.lock.toml"
    (version,) = re.findall(r'"org\.apache\.kafka:kafka-clients:jar:([\d.]+)"', lock.read_text(encoding="utf-8"))
    assert services()["kafka"]["image"] == f"apache/kafka:{version}"


def test_the_workers_of_the_compose_file_differ_in_name_state_and_port_alone() -> None:
    workers = [service for name, service in services().items() if name.startswith("worker-")]
    assert len(workers) == 2
    ids = [worker["environment"]["FOLDLOG_INSTANCE_ID"] for worker in workers]
    stores = [mount for worker in workers for mount in worker["volumes"] if mount.endswith(":/var/lib/foldlog")]
    assert len(set(ids)) == len(set(stores)) == 2
    for worker in workers:
        params = parse(worker_words(worker["command"])).params
        assert seconds(worker["stop_grace_period"]) >= params["graceful_shutdown"].total_seconds() + 20
        assert worker["image"] == services()["topics"]["image"]
        worker |= {"environment": {**worker["environment"], "FOLDLOG_INSTANCE_ID": ""}, "volumes": [], "ports": []}
    assert workers[0] == workers[1]


def test_the_stateful_set_stops_in_time_and_has_the_user_of_the_image() -> None:
    (container,) = pod()["containers"]
    params = parse(worker_words(container["args"])).params
    assert pod()["terminationGracePeriodSeconds"] >= params["graceful_shutdown"].total_seconds() + 20
    context = pod()["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == images()["worker"].user
    assert {"name": "state", "mountPath": images()["worker"].volumes[0]} in container["volumeMounts"]
    assert str(container["ports"][0]["containerPort"]) in images()["worker"].ports


def test_the_job_makes_the_topics_of_the_stateful_set() -> None:
    (job,) = objects()["Job"]["spec"]["template"]["spec"]["containers"]
    assert parse([*job["command"][1:], *job["args"]]).command.name == "create"
    (worker,) = pod()["containers"]
    assert [each for each in job["env"] if each not in worker["env"]] == []
    assert job["args"][-1] == worker["args"][worker["args"].index("--task-queue") + 1]


def test_every_variable_is_read_by_somebody() -> None:
    (worker,) = pod()["containers"]
    given = {variable["name"] for variable in worker["env"]}
    for name, service in services().items():
        given |= set(service["environment"]) if name != "kafka" else set()
    assert given - variables_that_are_read() == set()
    assert {name for image in images().values() for name in image.environment if name.startswith("FOLDLOG_")} <= (
        variables_that_are_read()
    )


@pytest.mark.parametrize("name", ["docker/Dockerfile", "docker/compose.yaml", "docker/kubernetes.yaml"])
def test_the_document_tells_of_each_file(name: str) -> None:
    assert f"]({'../' + name})" in DOCUMENT
