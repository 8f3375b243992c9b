"""docs/kafka.md says of topics and options what the code does."""

from __future__ import annotations

from pathlib import Path

from foldlog.transport._options import ALIASES, REFUSED
from foldlog.transport.config import KafkaConfig
from foldlog.transport.topics import DEFAULT_PARTITIONS, Topics, TopicSpec

TEXT = (Path(__file__).parents[3] / "docs" / "kafka.md").read_text(encoding="utf-8")
RETENTION = {-1: "forever", 7 * 86_400_000: "7 days", 3_600_000: "1 hour", 0: ""}


def row_of(name: str) -> list[str]:
    [line] = [line for line in TEXT.splitlines() if line.startswith(f"| `{name}` |")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_topic_has_a_row_with_its_settings() -> None:
    topics = Topics("ns")
    specs: dict[str, TopicSpec] = {spec.name.replace("ns.", "<ns>.", 1): spec for spec in topics.specs()}
    specs["<ns>.tasks.<queue>"] = topics.task_spec("queue")
    for name, spec in specs.items():
        row = row_of(name)
        assert row[3:] == [spec.cleanup_policy, RETENTION[spec.retention_ms]], name
        assert (row[2] == "1") == (spec.partitions == 1), name
    assert f"default {DEFAULT_PARTITIONS}" in row_of("<ns>.commands")[2]


def test_every_refused_option_is_listed_and_every_listed_one_is_refused() -> None:
    section = TEXT.split("### Options that cannot be set")[1].split("###")[0]
    listed = {ALIASES.get(name, name) for name in section.split("`")[1::2]}
    assert listed == set(REFUSED)


def test_defaults_are_as_listed() -> None:
    config = KafkaConfig(bootstrap_servers="x:1")
    settings = {**config.consumer(), **config.producer()}
    section = TEXT.split("### Options that foldlog sets otherwise")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) == 6
    for names, value, _ in rows:
        for name in names.split("`")[1::2]:
            assert settings[ALIASES.get(name, name)] == value.strip(), name
