"""What an embedded Kafka is configured with.

Owns the options, and the text of every file and command line made from them. Pure: no file, no process, no network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ._ports import HOST

NODE_ID = 1
MAIN_CLASS = "kafka.Kafka"
FORMAT_CLASS = "kafka.tools.StorageTool"

_OWN_PROPERTIES = frozenset(
    {
        "advertised.listeners",
        "controller.listener.names",
        "controller.quorum.voters",
        "inter.broker.listener.name",
        "listener.security.protocol.map",
        "listeners",
        "log.dirs",
        "node.id",
        "process.roles",
    }
)

# One node, one developer. Each value is a broker setting of Apache Kafka 4 (kafka.apache.org/documentation).
_DEVELOPMENT_PROPERTIES: Mapping[str, str] = {
    # A typing error in a topic's name must fail instead of making a topic with the wrong partition count.
    "auto.create.topics.enable": "false",
    # Replication factors beyond the one node there is would fail. Few partitions: each one costs files and start time.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "2",
    # 3 s by default, so that a fleet joins together; here the first consumer should start at once.
    "group.initial.rebalance.delay.ms": "0",
    # How soon after its timeout the transaction of a killed producer is aborted; 10 s by default.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    # Tests of stopping and starting should not wait for sessions of minutes.
    "group.min.session.timeout.ms": "1000",
    "broker.heartbeat.interval.ms": "500",
    # Only one broker: there is nobody to hand leadership to.
    "auto.leader.rebalance.enable": "false",
    # The defaults keep the page cache's data; a clean stop flushes. Checkpoint more often than each minute, so that
    # a killed broker recovers quickly.
    "log.flush.offset.checkpoint.interval.ms": "10000",
    # 128 MiB for cleaning compacted topics is too much of a heap of this size.
    "log.cleaner.dedupe.buffer.size": "16777216",
}


_SESSION_MS = "60000"
"""How long the broker may be silent before its own controller fences it; 9 s by default. There is no other broker that
could take over: if a busy machine holds it up for some seconds, fencing serves nobody, and clients are told that topics
have no leader and cannot be created."""
_SESSION_AFTER_A_CRASH_MS = "3000"
"""The same where a broker has died: its successor waits for so long until the controller forgets it."""


@dataclass(frozen=True, kw_only=True)
class KafkaOptions:
    """Settings of an embedded Kafka that have good defaults.

    Attributes:
        heap_mb: Maximum heap of the JVM in MiB.
        properties: Broker settings that override those made for development. Listeners, roles and folders are
            not among them: foldlog must know them.
        jvm_options: Additional options of the JVM, before the main class.
        start_timeout_s: Seconds until a client must be able to list topics. A broker that ends instead is noticed at
            once, so this is only for one that hangs: on a busy machine a start has taken more than a minute.
        stop_timeout_s: Seconds between SIGTERM and SIGKILL.
        fast_start: Keep a JVM class cache (JEP 483, JEP 514) that halves the time of later starts. It is written
            when the first broker of an installation stops, which takes some seconds once; that one is killed after
            60 s where ``stop_timeout_s`` is less. Where that is not enough, another one tries a day later.
    """

    heap_mb: int = 1024
    properties: Mapping[str, str] = field(default_factory=dict)
    jvm_options: Sequence[str] = ()
    start_timeout_s: float = 180.0
    stop_timeout_s: float = 15.0
    fast_start: bool = True

    def __post_init__(self) -> None:
        if self.heap_mb < 128:
            raise ValueError(f"heap_mb must be at least 128, not {self.heap_mb}")
        if self.start_timeout_s <= 0 or self.stop_timeout_s <= 0:
            raise ValueError("start_timeout_s and stop_timeout_s must be positive")
        fixed = _OWN_PROPERTIES & self.properties.keys()
        if fixed:
            raise ValueError(f"these broker settings are foldlog's own: {', '.join(sorted(fixed))}")


def render_properties(properties: Mapping[str, str]) -> str:
    """The text of a Java properties file (java.util.Properties.load), one escaped setting a line."""
    return "".join(f"{_escape(name, key=True)}={_escape(value)}\n" for name, value in properties.items())


def _escape(text: str, *, key: bool = False) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    if key:
        for special in "=: #!":
            escaped = escaped.replace(special, "\\" + special)
    elif escaped.startswith(" "):
        escaped = "\\" + escaped
    return "".join(char if ord(char) < 128 else _unicode_escape(char) for char in escaped)


def _unicode_escape(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def server_properties(
    *, data: Path, port: int, controller_port: int, overrides: Mapping[str, str], crashed: bool = False
) -> dict[str, str]:
    """All settings of the broker: one KRaft node that is both broker and controller, on loopback only.

    Args:
        data: Its folder.
        port: For clients.
        controller_port: For itself.
        overrides: Settings that win over those of development.
        crashed: The broker that had these data before did not end in order.
    """
    return {
        **_DEVELOPMENT_PROPERTIES,
        "broker.session.timeout.ms": _SESSION_AFTER_A_CRASH_MS if crashed else _SESSION_MS,
        **overrides,
        "process.roles": "broker,controller",
        "node.id": str(NODE_ID),
        "controller.quorum.voters": f"{NODE_ID}@{HOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"BROKER://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"BROKER://{HOST}:{port}",
        "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "BROKER",
        "log.dirs": str(data),
    }


def log4j_properties(log: Path) -> dict[str, str]:
    """Log4j 2 settings: one file of at most 10 MB and three older ones."""
    return {
        "status": "error",
        "appender.file.type": "RollingFile",
        "appender.file.name": "file",
        "appender.file.fileName": str(log),
        "appender.file.filePattern": f"{log}.%i",
        "appender.file.layout.type": "PatternLayout",
        "appender.file.layout.pattern": "%d{ISO8601} %-5p [%t] %c: %m%n",
        "appender.file.policies.type": "Policies",
        "appender.file.policies.size.type": "SizeBasedTriggeringPolicy",
        "appender.file.policies.size.size": "10MB",
        "appender.file.strategy.type": "DefaultRolloverStrategy",
        "appender.file.strategy.max": "3",
        "rootLogger.level": "info",
        "rootLogger.appenderRef.file.ref": "file",
        # Prints every setting of every client inside the broker, hundreds of lines, at each start.
        "logger.config.name": "org.apache.kafka.common.config.AbstractConfig",
        "logger.config.level": "warn",
    }


def jvm_command(
    java: Path, jars: Sequence[Path], log4j: Path, *, heap_mb: int, options: Sequence[str], main: str
) -> list[str]:
    """The start of a command line, up to and including the main class."""
    return [
        str(java),
        f"-Xmx{heap_mb}m",
        f"-Xms{min(heap_mb, 256)}m",
        # Measured on two cores that also ran the client, 1,500 transactions of 50 records: this collector took 6 to
        # 15 % less CPU time than the serial one and G1, and had the lowest latencies; all three start equally fast.
        "-XX:+UseParallelGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile={log4j}",
        *options,
        "-cp",
        ":".join(str(jar) for jar in jars),
        main,
    ]
