"""Real servers for whoever has none: Apache Kafka and a schema registry as children of a Python program.

Owns their jars, processes, folders and ports. Needs the extra ``foldlog[embedded]``; importing it does not.
"""

from ._artifacts import ArtifactCache
from ._kafka_config import KafkaOptions
from .environment import broker_from_environment, configured_bootstrap_servers
from .kafka import EmbeddedKafka

__all__ = [
    "ArtifactCache",
    "EmbeddedKafka",
    "KafkaOptions",
    "broker_from_environment",
    "configured_bootstrap_servers",
]
