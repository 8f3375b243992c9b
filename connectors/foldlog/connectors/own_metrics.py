"""Metrics of an application's own in a Prometheus registry.

Prometheus wants to know a metric's labels when it is made, a meter learns them with the first value: so the attributes
of that one are the labels. Whoever records must not be troubled by what does not fit: it is logged once and left out.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from foldlog._metrics import RecordedMetric
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_log = logging.getLogger(__name__)

_NO_NAME = re.compile(r"[^a-zA-Z0-9_]")
_KINDS: dict[str, Any] = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}


def _label(value: str | int | float | bool) -> str:
    """A label as Prometheus's other clients, and Temporal's SDKs, write it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class OwnMetrics:
    """Makes metrics as values come. Any thread."""

    def __init__(self, registry: CollectorRegistry, buckets: Mapping[str, Sequence[float]] | None = None) -> None:
        self._registry = registry
        self._buckets = buckets or {}
        self._lock = threading.Lock()
        self._metrics: dict[str, tuple[str, Any, tuple[str, ...]]] = {}
        """Kind, metric (None: it cannot be made) and names of attributes, by name."""
        self._warned: set[tuple[str, str]] = set()

    def record(self, recorded: RecordedMetric) -> None:
        """Take a value in."""
        known = self._metrics.get(recorded.name)
        if known is None:
            with self._lock:
                known = self._metrics.get(recorded.name) or self._make(recorded)
        kind, metric, names = known
        if metric is None:
            return
        if kind != recorded.kind:
            self._warn(recorded.name, f"it is a {kind}, and a value of a {recorded.kind} of this name is left out")
            return
        attributes = recorded.attributes
        if len(attributes) != len(names) or not attributes.keys() <= set(names):
            self._warn(recorded.name, f"its labels are {', '.join(names) or 'none'}; other attributes are left out")
        child = metric.labels(*(_label(attributes.get(name, "")) for name in names)) if names else metric
        if kind == "counter":
            child.inc(recorded.value)
        elif kind == "gauge":
            child.set(recorded.value)
        else:
            child.observe(recorded.value)

    def _make(self, recorded: RecordedMetric) -> tuple[str, Any, tuple[str, ...]]:
        names = tuple(recorded.attributes)
        description = f"{recorded.description or recorded.name}{f' ({recorded.unit})' if recorded.unit else ''}"
        options: dict[str, Any] = {}
        if recorded.kind == "histogram" and recorded.name in self._buckets:
            options["buckets"] = self._buckets[recorded.name]
        try:
            metric = _KINDS[recorded.kind](
                _NO_NAME.sub("_", recorded.name),
                description,
                [_NO_NAME.sub("_", name) for name in names],
                registry=self._registry,
                **options,
            )
        except ValueError as error:
            self._warn(recorded.name, f"it cannot be made: {error}")
            metric = None
        made = self._metrics[recorded.name] = (recorded.kind, metric, names)
        return made

    def _warn(self, name: str, what: str) -> None:
        if (name, what) not in self._warned:
            self._warned.add((name, what))
            _log.warning("metric %s: %s", name, what)
