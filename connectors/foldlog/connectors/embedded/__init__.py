"""Real servers for whoever has none: Apache Kafka and a schema registry as children of a Python program.

Owns their jars, processes, folders and ports. Needs the extra ``foldlog[embedded]``; importing it does not.
"""

from ._artifacts import ArtifactCache
from ._kafka_config import KafkaOptions
from .environment import broker_from_environment, configured_bootstrap_servers
from .kafka import EmbeddedKafka
from .registry import EmbeddedRegistry, RegistryOptions

__all__ = [
    "ArtifactCache",
    "EmbeddedKafka",
    "EmbeddedRegistry",
    "KafkaOptions",
    "RegistryOptions",
    "broker_from_environment",
    "configured_bootstrap_servers",
]
