"""`foldlog topics`: the topics of a namespace, created and checked."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import click
from foldlog.cli._command import Group, Settings, pass_settings
from foldlog.cli._errors import ExitCode
from foldlog.cli._options import kafka_timeout_option
from foldlog.cli._output import write_json, write_table
from foldlog.cli._reaching import reached
from foldlog.transport.admin import EXISTENCE, TopicProblem, check_topics, create_topics
from foldlog.transport.partition_count import changed_count
from foldlog.transport.schemas_topic import SchemasTopic
from foldlog.transport.topics import DEFAULT_PARTITIONS, Topics


@click.group(cls=Group)
def topics() -> None:
    """Create and check the topics of a namespace."""


_queues = click.option(
    "--task-queue", "-q", "task_queues", multiple=True, metavar="NAME", help="A task queue too; may be repeated."
)


@topics.command()
@click.option(
    "--partitions",
    type=click.IntRange(min=1),
    help=f"Partitions of commands and events, for good: the most processors that can share the work.  "
    f"[default: {DEFAULT_PARTITIONS}]",
)
@click.option(
    "--replication-factor", type=click.IntRange(min=1), help="Copies of each record.  [default: the broker's default]"
)
@_queues
@kafka_timeout_option
@pass_settings
def create(
    settings: Settings,
    partitions: int | None,
    replication_factor: int | None,
    task_queues: tuple[str, ...],
    timeout: timedelta,
) -> None:
    """Create the topics that are missing; those that are there are checked and never changed.

    Also publishes the schemas of this version to the namespace's schemas topic. Ends with 1 if one that is there has
    settings that would lose data or split workflows.
    """
    config, names = reached(settings, timeout), Topics(settings.namespace)
    done = create_topics(
        config,
        names,
        partitions=partitions,
        replication_factor=replication_factor or -1,
        task_queues=task_queues,
        timeout=timeout.total_seconds(),
    )
    with SchemasTopic(config, names) as schemas:
        schemas.publish(timeout=timeout.total_seconds())
        done.problems.extend(_changed(settings, schemas, timeout))
    if settings.json:
        write_json(asdict(done))
    else:
        rows = [(name, "created") for name in done.created] + [(name, "was there") for name in done.existing]
        write_table(["topic", ""], rows)
        _show(done.problems)
    _exit(done.problems)


@topics.command()
@click.option("--partitions", type=click.IntRange(min=1), help="Partitions that commands and events must have.")
@_queues
@kafka_timeout_option
@pass_settings
def check(settings: Settings, partitions: int | None, task_queues: tuple[str, ...], timeout: timedelta) -> None:
    """Check partition counts, cleanup policies and retention; ends with 1 if something is wrong."""
    config, names = reached(settings, timeout), Topics(settings.namespace)
    problems = check_topics(
        config, names, partitions=partitions, task_queues=task_queues, timeout=timeout.total_seconds()
    )
    if not problems:
        with SchemasTopic(config, names) as schemas:
            problems += _changed(settings, schemas, timeout)
    if settings.json:
        write_json({"problems": [asdict(problem) for problem in problems]})
    elif problems:
        _show(problems)
    else:
        click.echo(f"the topics of namespace {settings.namespace!r} are in order")
    _exit(problems)


def _changed(settings: Settings, schemas: SchemasTopic, timeout: timedelta) -> list[TopicProblem]:
    """What the log says about the number of partitions."""
    codec = settings.codec(schemas.fetch)
    problem = changed_count(settings.kafka, Topics(settings.namespace), codec, timeout=timeout.total_seconds())
    return [problem] if problem else []


def _show(problems: list[TopicProblem]) -> None:
    for problem in problems:
        missing = problem.setting == EXISTENCE
        what = "does not exist" if missing else f"{problem.setting} is {problem.found}, has to be {problem.wanted}"
        click.echo(f"{problem.topic}: {what}")
        click.echo(f"  repair: {problem.repair}")


def _exit(problems: list[TopicProblem]) -> None:
    if problems:
        click.get_current_context().exit(int(ExitCode.FAILED))
