"""Metrics for a `foldlog.runtime.Runtime`: a registry of its own, served for as long as the process lives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from foldlog.connectors.health import MonitoringServer
from foldlog.connectors.prometheus import PrometheusSensor
from prometheus_client import CollectorRegistry


class ServedSensor(PrometheusSensor):
    """A sensor whose metrics are served.

    Attributes:
        server: What serves them.
    """

    def __init__(
        self, host: str, port: int, *, buckets: Mapping[str, Sequence[float]], tags: Mapping[str, str]
    ) -> None:
        """Listens at once, and is no reason for the process to go on.

        Args:
            host: Address to listen on.
            port: TCP port; 0 takes a free one.
            buckets: Upper bounds of the application's own histograms, by name.
            tags: Labels of all metrics that the application records.

        Raises:
            MonitoringAddressError: The address is taken or is not this machine's.
        """
        registry = CollectorRegistry()
        super().__init__(registry, buckets, tags)
        self.server = MonitoringServer(registry, live={}, ready={}, host=host, port=port, daemon=True)


serve = ServedSensor
"""The name under which `Runtime` looks for it."""
