"""How commands that look at Kafka itself wait for it: not in silence."""

from __future__ import annotations

from datetime import timedelta

import click
from foldlog.cli._command import Settings
from foldlog.transport.admin import await_broker
from foldlog.transport.config import KafkaConfig


def reached(settings: Settings, timeout: timedelta) -> KafkaConfig:
    """How to reach Kafka, once a broker has answered. What it waits for is told on stderr, to people.

    Args:
        settings: Where it is.
        timeout: How long an answer is waited for.

    Raises:
        ConfigurationError: An option is wrong or refused.
        BrokerUnreachableError: Nobody answered in time.
    """
    config = settings.kafka

    def waiting(reason: str) -> None:
        if not settings.json:
            click.echo(
                f"waiting up to {timeout.total_seconds():g} s for Kafka at {config.bootstrap_servers}: {reason}",
                err=True,
            )

    await_broker(config, timeout=timeout.total_seconds(), waiting=waiting)
    return config
