"""What all commands have in common: the global options, before or after the command's name, and the errors.

Owns the names and environment variables of the global options. Knows click and nothing else, so that help is quick.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar

import click
from click.core import ParameterSource
from foldlog.cli._errors import CliError, ExitCode, translated

if TYPE_CHECKING:
    from foldlog.schemas.codec import Codec, FetchSchema
    from foldlog.transport.config import KafkaConfig

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_BOOTSTRAP = "127.0.0.1:9092"
DEFAULT_NAMESPACE = "default"
_GIVEN = "foldlog.cli.given"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the global options say, with their defaults."""

    bootstrap_servers: str | None
    """As given with the option; None: see `kafka`."""
    namespace: str
    kafka_options: tuple[str, ...]
    kafka_config: Path | None
    registry_url: str | None
    json: bool
    log_level: str | None
    """None: the command decides."""
    log_format: Literal["console", "json"]

    @classmethod
    def of(cls, ctx: click.Context) -> Settings:
        """The settings of the command that runs."""
        given = _given(ctx)
        return cls(
            bootstrap_servers=given.get("bootstrap_servers"),
            namespace=given.get("namespace", DEFAULT_NAMESPACE),
            kafka_options=given.get("kafka_options", ()),
            kafka_config=given.get("kafka_config"),
            registry_url=given.get("registry_url"),
            json=given.get("json", False),
            log_level=given.get("log_level"),
            log_format=given.get("log_format", "console"),
        )

    @property
    def kafka(self) -> KafkaConfig:
        """How to reach Kafka: options, file and KAFKA_BOOTSTRAP_SERVERS; with no address, where `foldlog dev` is.

        Raises:
            ConfigurationError: An option is wrong or refused, or the file cannot be read.
        """
        from foldlog.transport.config import KafkaConfig

        address = self.bootstrap_servers if self.names_a_broker else DEFAULT_BOOTSTRAP
        return KafkaConfig.from_environment(address, self.kafka_options, self.kafka_config)

    @property
    def names_a_broker(self) -> bool:
        """Whether a broker is configured, in whatever way, so that none is to be assumed or started.

        Raises:
            ConfigurationError: An option has no value, or the file cannot be read.
        """
        from foldlog.transport.config import BOOTSTRAP_VARIABLE, normalized, parse_options, read_properties

        if self.bootstrap_servers is not None or os.environ.get(BOOTSTRAP_VARIABLE, "").strip():
            return True
        file = read_properties(self.kafka_config) if self.kafka_config else {}
        return "bootstrap.servers" in file | normalized(parse_options(self.kafka_options))

    def codec(self, fetch: FetchSchema | None = None) -> Codec:
        """How records are written: Avro single-object encoding, or framed for the schema registry that is given.

        Args:
            fetch: Where schemas are asked for that this build does not know.

        Raises:
            CliError: The registry's client is not installed, or refuses the URL.
        """
        from foldlog.schemas.codec import ConfluentCodec, SingleObjectCodec
        from foldlog.schemas.registry import registry_client

        if self.registry_url is None:
            return SingleObjectCodec(fetch)
        try:
            return ConfluentCodec(registry_client({"url": self.registry_url}), fetch)
        except (ImportError, ValueError) as error:
            raise CliError(f"schema registry {self.registry_url}: {error}", ExitCode.USAGE) from error


def _given(ctx: click.Context) -> dict[str, Any]:
    given: dict[str, Any] = ctx.meta.setdefault(_GIVEN, {})
    return given


def _note(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    """Keeps a global option that was given; what stands after the command's name wins, and lists grow."""
    if value is None or value == ():
        return
    if value == "":  # as from an unset shell variable; it would be another namespace than was meant
        raise click.BadParameter("it must not be empty", ctx, param)
    given = _given(ctx)
    assert param.name is not None
    given[param.name] = (*given.get(param.name, ()), *value) if param.multiple else value


def global_options(*, with_environment: bool) -> list[click.Option]:
    """Fresh options, for the root (which also reads the environment) or for one command."""

    def option(*names: str, variable: str | None = None, **rest: Any) -> click.Option:
        variable = variable if with_environment else None
        return click.Option(
            names, callback=_note, expose_value=False, envvar=variable, show_envvar=bool(variable), **rest
        )

    path = click.Path(exists=True, dir_okay=False, path_type=Path)
    return [
        option(
            "--bootstrap-servers",
            metavar="HOST:PORT,…",
            help=f"Kafka's address; else KAFKA_BOOTSTRAP_SERVERS, else {DEFAULT_BOOTSTRAP}.",
        ),
        option(
            "--namespace",
            "-n",
            variable="FOLDLOG_NAMESPACE",
            metavar="NAME",
            help=f"The application; prefix of its topics.  [default: {DEFAULT_NAMESPACE}]",
        ),
        option(
            "--kafka-option",
            "kafka_options",
            multiple=True,
            metavar="NAME=VALUE",
            help="Any option of librdkafka, such as security.protocol=SSL; may be repeated.",
        ),
        option(
            "--kafka-config",
            variable="FOLDLOG_KAFKA_CONFIG",
            type=path,
            metavar="FILE",
            help="Properties file with such options, as Kafka's own tools take it.",
        ),
        option(
            "--registry-url",
            variable="FOLDLOG_REGISTRY_URL",
            metavar="URL",
            help="Schema registry; records are then framed as Confluent's serializers do.",
        ),
        option("--json", is_flag=True, default=None, help="Write JSON to stdout, and errors as JSON to stderr."),
        option(
            "--log-level",
            variable="FOLDLOG_LOG_LEVEL",
            type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
            help="Least level of the logs on stderr.  [default: INFO for workers, else no logs]",
        ),
        option(
            "--log-format",
            variable="FOLDLOG_LOG_FORMAT",
            type=click.Choice(["console", "json"]),
            help="Lines for people, or one JSON object per line.  [default: console]",
        ),
    ]


def _set_up_logging(settings: Settings) -> None:
    """Logs as asked for; else none at all: a command says what went wrong itself, and once."""
    if settings.log_level is None:
        logging.getLogger().addHandler(logging.NullHandler())
        return
    from foldlog.connectors.logs import configure_logging

    configure_logging(settings.log_level, settings.log_format)


class Command(click.Command):
    """A command that also takes the global options, and turns foldlog's errors into messages and exit codes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._globals = global_options(with_environment=False)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*super().get_params(ctx), *self._globals]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Shows the command's own options, and where the global ones are explained."""
        shared = set(map(id, self._globals))
        own = [param for param in self.get_params(ctx) if isinstance(param, click.Option) and id(param) not in shared]
        with formatter.section("Options"):
            formatter.write_dl([record for param in own if (record := param.get_help_record(ctx)) is not None])
        names = ", ".join(option.opts[0] for option in self._globals)
        with formatter.section("Global options (see foldlog --help)"):
            formatter.write_text(names)

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        as_json = "--json" in args or (parent is not None and bool(_given(parent).get("json", False)))
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            if not as_json:
                raise
            raise _as_json(CliError(error.format_message(), ExitCode.USAGE)) from error

    def invoke(self, ctx: click.Context) -> Any:
        settings = Settings.of(ctx)
        _set_up_logging(settings)
        as_json = bool(_given(ctx).get("json", False))
        try:
            return super().invoke(ctx)
        except (Exception, KeyboardInterrupt) as error:
            shown = translated(error, self._typed(), settings.namespace)
            if shown is None and as_json and isinstance(error, click.UsageError):
                shown = CliError(error.format_message(), ExitCode.USAGE)
            if shown is None:
                raise
            raise (_as_json(shown) if as_json else shown) from error

    def _typed(self) -> dict[str, str]:
        """Its options as they are typed, by name."""
        return {
            param.name: max(param.opts, key=len) for param in self.params if param.name and param.opts[0] != param.name
        }


def _as_json(error: CliError) -> CliError:
    error.as_json = True
    return error


def is_given(ctx: click.Context, name: str) -> bool:
    """Whether an option of the command stands on the command line."""
    return ctx.get_parameter_source(name) is not ParameterSource.DEFAULT


class Group(click.Group):
    """A group of such commands."""

    command_class = Command
    group_class = type  # groups inside it are of its own class


def pass_settings(function: Callable[Concatenate[Settings, P], R]) -> Callable[P, R]:
    """Give a command the global settings as its first argument."""

    def command(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(Settings.of(click.get_current_context()), *args, **kwargs)

    return update_wrapper(command, function)


__all__ = ["CliError", "Command", "Group", "Settings", "global_options", "is_given", "pass_settings"]
