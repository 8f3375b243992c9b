"""Makes librdkafka's clients, so that a wrong option is told as such and the library's log goes to ours."""

from __future__ import annotations

import logging
import re
import threading
import time
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import ConfigurationError

Client = TypeVar("Client", Producer, Consumer, AdminClient)

KAFKA_LOGGER = logging.getLogger("foldlog.kafka")
"""Where librdkafka's own messages go."""

_lock = threading.Lock()
"""Of the sets of clients that configurations have, and of their credentials."""

_NO_NEWS = re.compile(r"^GETPID .*retrying$|^TXNERR .*ILLEGAL_GENERATION")
"""A broker that has just begun to live is asked again; a rebalance ends the transactions that are in its way."""
_REPEAT_SECONDS = 30.0
_OUT_OF_RANGE = re.compile(r'property "(?P<name>[^"]+)" value (?P<value>-?\d+) is outside')
_VARYING = re.compile(r"after \d+ms|\d+ identical")


class _Repetitions(logging.Filter):
    """Lets a message through once in a while: a client that finds no broker says so several times a second.

    What happens in the course of things and passes by itself is no warning, as which librdkafka tells it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._silent_until: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno > logging.INFO and _NO_NEWS.search(record.getMessage()):
            record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
            if not KAFKA_LOGGER.isEnabledFor(logging.INFO):
                return False
        now = time.monotonic()
        message = _VARYING.sub("", record.getMessage())
        if self._silent_until.get(message, 0.0) > now:
            return False
        # Few messages differ within half a minute, so this stays small.
        self._silent_until = {text: until for text, until in self._silent_until.items() if until > now}
        self._silent_until[message] = now + _REPEAT_SECONDS
        return True


KAFKA_LOGGER.addFilter(_Repetitions())


class Trouble:
    """What a client has said last of its brokers, in librdkafka's words. `note` is its `error_cb`, which polls call."""

    def __init__(self) -> None:
        self.text = ""

    def note(self, error: KafkaError) -> None:
        """Keep it. That all brokers are down is no news beside the reason."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN or not self.text:
            self.text = error.str()


class _Producer(Producer):
    """One that can be referred to weakly, as the library's own cannot."""


class _Consumer(Consumer):
    """Likewise. Its credentials change on the thread that reads with it.

    The library lets one call at a time into a consumer, and whoever reads is in again before others have a chance.
    """

    credentials: tuple[str, str] | None = None
    """What is to be shown from the next read on."""

    def poll(self, *args: Any, **options: Any) -> Any:
        if self.credentials is not None:
            self._change()
        return super().poll(*args, **options)

    def consume(self, *args: Any, **options: Any) -> Any:
        if self.credentials is not None:
            self._change()
        return super().consume(*args, **options)

    def _change(self) -> None:
        credentials, self.credentials = self.credentials, None
        if credentials is not None:
            self.set_sasl_credentials(*credentials)


def change_credentials(config: KafkaConfig, username: str, password: str) -> None:
    """Have all clients that were made with a configuration, or will be, show another name and password.

    A connection that stands goes on; the next one to a broker is made with them. Any thread.
    """
    with _lock:
        options = {**config.options, "sasl.username": username, "sasl.password": password}
        object.__setattr__(config, "options", options)
        opened = list(config._opened)
    for client in opened:
        if isinstance(client, _Consumer):
            client.credentials = username, password
            continue
        try:
            client.set_sasl_credentials(username, password)
        except RuntimeError:  # it is closed, and not forgotten yet
            continue


def _opened(config: KafkaConfig, client: Client) -> Client:
    with _lock:
        config._opened.add(client)
        credentials = config.credentials
    if credentials is not None:
        # They may have changed since its settings were read.
        client.set_sasl_credentials(*credentials)
    return client


def open_producer(config: KafkaConfig, **overrides: Any) -> Producer:
    """A producer with our settings.

    Raises:
        ConfigurationError: librdkafka does not know an option, or its value.
    """
    try:
        return _opened(config, _Producer(config.producer(**overrides), logger=KAFKA_LOGGER))
    except KafkaException as error:
        raise _refused(config, error) from error


def open_consumer(config: KafkaConfig, **overrides: Any) -> Consumer:
    """A consumer with our settings. `group.id` must be among the overrides.

    Raises:
        ConfigurationError: librdkafka does not know an option, or its value.
    """
    try:
        return _opened(config, _Consumer(config.consumer(**overrides), logger=KAFKA_LOGGER))
    except KafkaException as error:
        raise _refused(config, error) from error


def open_admin(config: KafkaConfig, **overrides: Any) -> AdminClient:
    """An admin client with our settings.

    Raises:
        ConfigurationError: librdkafka does not know an option, or its value.
    """
    try:
        return _opened(config, AdminClient(config.admin(**overrides), logger=KAFKA_LOGGER))
    except KafkaException as error:
        raise _refused(config, error) from error


def _refused(config: KafkaConfig, error: KafkaException) -> ConfigurationError:
    reason = error.args[0].str().strip()
    if (told := _OUT_OF_RANGE.search(reason)) and (given := config.options.get(told["name"])):
        # A number that is too large for it is told as what is left of it.
        reason = f"{reason[: told.start('value')]}{given}{reason[told.end('value') :]}"
    return ConfigurationError(f"the Kafka client refuses its options: {reason}")
