"""What an embedded Kafka is configured with."""

from __future__ import annotations

from pathlib import Path

import pytest
from foldlog.connectors.embedded import KafkaOptions, RegistryOptions
from foldlog.connectors.embedded._kafka_config import (
    jvm_command,
    log4j_properties,
    render_properties,
    server_properties,
)
from hypothesis import given
from hypothesis import strategies as st


def settings(**overrides: str) -> dict[str, str]:
    named = {name.replace("_", "."): value for name, value in overrides.items()}
    return server_properties(data=Path("/d/data"), port=19, controller_port=20, overrides=named)


def read_properties(text: str) -> dict[str, str]:
    """What java.util.Properties.load makes of a text, for the escapes that it defines."""
    result: dict[str, str] = {}
    for line in text.splitlines():
        parts: list[list[str]] = [[], []]
        side, chars = 0, iter(line)
        for char in chars:
            if char == "\\":
                escaped = next(chars)
                special = {"n": "\n", "r": "\r", "t": "\t"}
                if escaped == "u":
                    parts[side].append(chr(int("".join(next(chars) for _ in range(4)), 16)))
                else:
                    parts[side].append(special.get(escaped, escaped))
            elif side == 0 and char in "=: ":
                side = 1
            else:
                parts[side].append(char)
        key, value = ("".join(part).encode("utf-16", "surrogatepass").decode("utf-16") for part in parts)
        result[key] = value
    return result


_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\r\t\\=:#! "), max_size=20)


@given(st.dictionaries(_TEXT.filter(bool), _TEXT))
def test_properties_survive_a_java_properties_file(properties: dict[str, str]) -> None:
    text = render_properties(properties)
    assert text.isascii()
    assert read_properties(text) == properties


def test_every_listener_is_on_loopback() -> None:
    rendered = settings()
    assert rendered["listeners"] == "BROKER://127.0.0.1:19,CONTROLLER://127.0.0.1:20"
    assert rendered["advertised.listeners"] == "BROKER://127.0.0.1:19"
    assert rendered["controller.quorum.voters"] == "1@127.0.0.1:20"


def test_one_node_suffices_for_every_internal_topic() -> None:
    factors = {name: value for name, value in settings().items() if "replication.factor" in name or ".min.isr" in name}
    assert len(factors) == 5
    assert set(factors.values()) == {"1"}


def test_a_typing_error_in_a_topic_makes_no_topic() -> None:
    assert settings()["auto.create.topics.enable"] == "false"


def test_overrides_win_over_development_settings() -> None:
    assert settings(group_initial_rebalance_delay_ms="3000")["group.initial.rebalance.delay.ms"] == "3000"


def test_settings_that_foldlog_must_know_cannot_be_overridden() -> None:
    with pytest.raises(ValueError, match=r"listeners, log\.dirs"):
        KafkaOptions(properties={"log.dirs": "/elsewhere", "listeners": "X://:1"})


@pytest.mark.parametrize("options", [KafkaOptions, RegistryOptions])
@pytest.mark.parametrize("wrong", [{"heap_mb": 64}, {"start_timeout_s": 0.0}, {"stop_timeout_s": -1.0}])
def test_options_without_sense_are_refused(
    options: type[KafkaOptions | RegistryOptions], wrong: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        options(**wrong)  # type: ignore[arg-type] # the values of a table of mixed types


def test_the_log_is_bounded_and_where_it_is_wanted() -> None:
    log4j = log4j_properties(Path("/d/logs/kafka.log"))
    assert log4j["appender.file.fileName"] == "/d/logs/kafka.log"
    assert log4j["appender.file.policies.size.size"] == "10MB"
    assert log4j["appender.file.strategy.max"] == "3"


def test_a_users_jvm_options_come_after_the_defaults_and_before_the_main_class() -> None:
    command = jvm_command(
        Path("/j/java"), [Path("/a.jar"), Path("/b.jar")], Path("/l"), heap_mb=512, options=["-Xmx2g"], main="M"
    )
    assert command[0] == "/j/java"
    assert command.index("-Xmx512m") < command.index("-Xmx2g") < command.index("-cp")
    assert command[-2:] == ["/a.jar:/b.jar", "M"]
