"""The lock file of the embedded servers' jars."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from foldlog.connectors.embedded._lock import (
    ArtifactLock,
    LockedArtifact,
    packaged_lock,
    parse_lock,
    render_lock,
)
from foldlog.connectors.embedded.exceptions import ChecksumMismatchError, LockFileError
from hypothesis import given, settings
from hypothesis import strategies as st

_SHA = "ab" * 32
_PART = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,12}", fullmatch=True)
_ARTIFACT = st.builds(
    LockedArtifact,
    coordinate=st.lists(_PART, min_size=4, max_size=5).map(":".join),
    sha256=st.binary(min_size=32, max_size=32).map(bytes.hex),
    size=st.integers(min_value=1, max_value=1 << 40),
)
_SETS = st.dictionaries(
    st.sampled_from(["kafka", "registry", "other"]),
    st.lists(_ARTIFACT, min_size=1, max_size=5, unique_by=lambda artifact: artifact.coordinate).map(tuple),
)


def artifact(coordinate: str = "g.h:a:jar:1.0", sha256: str = _SHA, size: int = 3) -> LockedArtifact:
    return LockedArtifact(coordinate=coordinate, sha256=sha256, size=size)


@settings(max_examples=25)
@given(_SETS)
def test_what_is_rendered_is_parsed_back(sets: dict[str, tuple[LockedArtifact, ...]]) -> None:
    assert parse_lock(render_lock(sets)) == ArtifactLock(sets=sets)


def test_a_coordinate_gives_its_path_in_a_repository() -> None:
    plain = artifact("org.apache.kafka:kafka_2.13:jar:4.4.0")
    assert str(plain.relative_path) == "org/apache/kafka/kafka_2.13/4.4.0/kafka_2.13-4.4.0.jar"
    classified = artifact("io.apicurio:app:tar.gz:all:3.3.3")
    assert str(classified.relative_path) == "io/apicurio/app/3.3.3/app-3.3.3-all.tar.gz"
    assert (classified.classifier, classified.version, classified.packaging) == ("all", "3.3.3", "tar.gz")


@pytest.mark.parametrize(
    ("coordinate", "sha256", "size"),
    [
        ("g:a:1.0", _SHA, 1),
        ("g:a:jar:c:1.0:extra", _SHA, 1),
        ("g:../../etc:jar:1.0", _SHA, 1),
        ("g:a:jar:", _SHA, 1),
        ("g:a:jar:1.0", _SHA[:-1], 1),
        ("g:a:jar:1.0", _SHA.upper(), 1),
        ("g:a:jar:1.0", _SHA, 0),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(coordinate: str, sha256: str, size: int) -> None:
    with pytest.raises(LockFileError):
        artifact(coordinate, sha256, size)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("format = 1\n[[kafka", "not TOML"),
        ("", "format None"),
        ("format = 2", "format 2"),
        ("format = 1\nkafka = 3", "not a list"),
        ("format = 1\nkafka = []", "not a list"),
        (f'format = 1\n[[kafka]]\ncoordinate = "g:a:jar:1"\nsha256 = "{_SHA}"', "lacks"),
        ('format = 1\n[[kafka]]\ncoordinate = "g:a:jar:1"\nsize = 1', "lacks"),
        (f'format = 1\n[[kafka]]\ncoordinate = "g:a:jar:1"\nsize = "1"\nsha256 = "{_SHA}"', "lacks"),
    ],
)
def test_a_damaged_lock_file_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(LockFileError, match=reason):
        parse_lock(text)


def test_an_artifact_named_twice_is_refused() -> None:
    with pytest.raises(LockFileError, match="twice"):
        parse_lock(render_lock({"kafka": [artifact(), artifact()]}))


def test_an_unknown_set_is_refused() -> None:
    with pytest.raises(LockFileError, match="'nothing'"):
        packaged_lock().artifacts("nothing")


def test_verify_reads_every_byte(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    locked = artifact(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    path = tmp_path / "file.jar"
    path.write_bytes(content)
    locked.verify(path)
    path.write_bytes(content[:-1] + b"\x00")
    with pytest.raises(ChecksumMismatchError, match=r"file\.jar") as caught:
        locked.verify(path)
    assert caught.value.expected == locked.sha256
    assert caught.value.actual == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_digest_depends_on_files_and_order() -> None:
    one, two = artifact("g:a:jar:1"), artifact("g:b:jar:1")
    locks = [ArtifactLock(sets={"s": files}) for files in ((one, two), (two, one), (one,))]
    assert len({lock.digest("s") for lock in locks}) == 3
    assert locks[0].digest("s") == ArtifactLock(sets={"s": (one, two), "t": (one,)}).digest("s")


def test_the_packaged_lock_holds_one_version_of_each_library() -> None:
    lock = packaged_lock()
    assert set(lock.sets) == {"kafka", "registry"}
    jars = lock.artifacts("kafka")
    assert len({(jar.group, jar.name) for jar in jars}) == len(jars)
    # Kafka's own modules must fit together; a resolver that mixes versions makes a broker that breaks at run time.
    assert len({jar.version for jar in jars if jar.group == "org.apache.kafka"}) == 1
    assert len({jar.version for jar in jars if jar.group == "org.apache.logging.log4j"}) == 1
    # Without it Kafka logs nowhere.
    assert any(jar.name == "log4j-slf4j-impl" for jar in jars)


def test_the_locked_kafka_ends_transactions_of_partitions_without_a_leader() -> None:
    """Kafka 4.3.0 to 4.4.0 may leave out the markers (KAFKA-20734), and readers of committed records wait for ever."""
    versions = {one.version for one in packaged_lock().artifacts("kafka") if ":kafka_2.13:" in one.coordinate}
    assert len(versions) == 1
    assert versions.isdisjoint({"4.3.0", "4.3.1", "4.4.0"})
