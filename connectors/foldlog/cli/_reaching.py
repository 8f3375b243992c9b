"""How commands that look at Kafka itself wait for it: not in silence."""

from __future__ import annotations

import click
from foldlog.cli._command import Settings
from foldlog.transport.admin import await_broker
from foldlog.transport.config import KafkaConfig


def reached(settings: Settings, timeout: float) -> KafkaConfig:
    """How to reach Kafka, once a broker has answered. What it waits for is told on stderr, to people.

    Args:
        settings: Where it is.
        timeout: In seconds.

    Raises:
        ConfigurationError: An option is wrong or refused.
        BrokerUnreachableError: Nobody answered in time.
    """
    config = settings.kafka

    def waiting(reason: str) -> None:
        if not settings.json:
            click.echo(f"waiting up to {timeout:g} s for Kafka at {config.bootstrap_servers}: {reason}", err=True)

    await_broker(config, timeout=timeout, waiting=waiting)
    return config
