"""Metrics of an application's own, which its activities and workflows record: counters, gauges, histograms.

Owns what a meter accepts. Where values go is a function: the worker's sensor, which knows the metrics library. Names
and meanings follow Temporal's `temporalio.common`; the public names are those of `foldlog.common`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Literal, Self, TypeVar

MetricAttributes = Mapping[str, str | int | float | bool]
"""What distinguishes the values of one metric."""

MetricKind = Literal["counter", "gauge", "histogram"]

_MetricType = TypeVar("_MetricType", bound="MetricCommon")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMetric:
    """One value, as it goes to whoever measures."""

    kind: MetricKind
    name: str
    description: str
    unit: str
    attributes: MetricAttributes
    value: float
    """Durations are in seconds."""
    is_duration: bool = False


Record = Callable[[RecordedMetric], None]


def _checked(attributes: MetricAttributes | None) -> MetricAttributes:
    for name, value in (attributes or {}).items():
        if not isinstance(name, str) or not isinstance(value, str | int | float | bool):
            raise TypeError(f"attribute {name!r} must be a string, a number or a bool, not {type(value).__name__}")
    return attributes or {}


class MetricCommon:
    """What all metrics have in common."""

    kind: ClassVar[MetricKind] = "counter"
    is_duration: ClassVar[bool] = False

    def __init__(
        self, record: Record, name: str, description: str | None, unit: str | None, attributes: MetricAttributes
    ) -> None:
        """Private: made by a meter."""
        self._record = record
        self._name = name
        self._description = description
        self._unit = unit
        self._attributes = attributes

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def description(self) -> str | None:
        """What it is, for people."""
        return self._description

    @property
    def unit(self) -> str | None:
        """The unit of its values."""
        return self._unit

    def with_additional_attributes(self, additional_attributes: MetricAttributes) -> Self:
        """The same metric with further attributes.

        Raises:
            TypeError: A value of one is no string, number or bool.
        """
        attributes = {**self._attributes, **_checked(additional_attributes)}
        return type(self)(self._record, self._name, self._description, self._unit, attributes)

    def _note(self, value: float, additional: MetricAttributes | None) -> None:
        if value < 0:
            raise ValueError(f"metric {self._name}: a value must not be negative: {value}")
        attributes = {**self._attributes, **_checked(additional)} if additional else self._attributes
        self._record(
            RecordedMetric(
                kind=self.kind,
                name=self._name,
                description=self._description or "",
                unit=self._unit or "",
                attributes=attributes,
                value=value,
                is_duration=self.is_duration,
            )
        )


class MetricCounter(MetricCommon):
    """Only rises."""

    def add(self, value: int, additional_attributes: MetricAttributes | None = None) -> None:
        """Add to it.

        Raises:
            ValueError: The value is negative.
            TypeError: An attribute's value is no string, number or bool.
        """
        self._note(value, additional_attributes)


class MetricGauge(MetricCommon):
    """Has the last value that was set."""

    kind = "gauge"

    def set(self, value: int, additional_attributes: MetricAttributes | None = None) -> None:
        """Set it.

        Raises:
            ValueError: The value is negative.
            TypeError: An attribute's value is no string, number or bool.
        """
        self._note(value, additional_attributes)


class MetricGaugeFloat(MetricCommon):
    """As `MetricGauge`, for floats."""

    kind = "gauge"

    def set(self, value: float, additional_attributes: MetricAttributes | None = None) -> None:
        """As `MetricGauge.set`."""
        self._note(value, additional_attributes)


class MetricHistogram(MetricCommon):
    """Counts values by size."""

    kind = "histogram"

    def record(self, value: int, additional_attributes: MetricAttributes | None = None) -> None:
        """Take a value in.

        Raises:
            ValueError: The value is negative.
            TypeError: An attribute's value is no string, number or bool.
        """
        self._note(value, additional_attributes)


class MetricHistogramFloat(MetricCommon):
    """As `MetricHistogram`, for floats."""

    kind = "histogram"

    def record(self, value: float, additional_attributes: MetricAttributes | None = None) -> None:
        """As `MetricHistogram.record`."""
        self._note(value, additional_attributes)


class MetricHistogramTimedelta(MetricCommon):
    """As `MetricHistogram`, for durations, which are counted in seconds."""

    kind = "histogram"
    is_duration = True

    def record(self, value: timedelta, additional_attributes: MetricAttributes | None = None) -> None:
        """As `MetricHistogram.record`."""
        self._note(value.total_seconds(), additional_attributes)


class MetricMeter:
    """Makes metrics. Making one twice is fine: values of the same name go to the same place."""

    noop: ClassVar[MetricMeter]
    """Records nothing."""

    def __init__(self, record: Record, attributes: MetricAttributes | None = None) -> None:
        """Make a meter.

        Args:
            record: Where values go; from any thread.
            attributes: What all of them have.
        """
        self.record = record
        self._attributes = _checked(attributes)

    def create_counter(self, name: str, description: str | None = None, unit: str | None = None) -> MetricCounter:
        """A counter."""
        return self._make(MetricCounter, name, description, unit)

    def create_histogram(self, name: str, description: str | None = None, unit: str | None = None) -> MetricHistogram:
        """A histogram of whole numbers."""
        return self._make(MetricHistogram, name, description, unit)

    def create_histogram_float(
        self, name: str, description: str | None = None, unit: str | None = None
    ) -> MetricHistogramFloat:
        """A histogram of floats."""
        return self._make(MetricHistogramFloat, name, description, unit)

    def create_histogram_timedelta(
        self, name: str, description: str | None = None, unit: str | None = None
    ) -> MetricHistogramTimedelta:
        """A histogram of durations."""
        return self._make(MetricHistogramTimedelta, name, description, unit)

    def create_gauge(self, name: str, description: str | None = None, unit: str | None = None) -> MetricGauge:
        """A gauge of whole numbers."""
        return self._make(MetricGauge, name, description, unit)

    def create_gauge_float(
        self, name: str, description: str | None = None, unit: str | None = None
    ) -> MetricGaugeFloat:
        """A gauge of floats."""
        return self._make(MetricGaugeFloat, name, description, unit)

    def with_additional_attributes(self, additional_attributes: MetricAttributes) -> MetricMeter:
        """The same meter with further attributes.

        Raises:
            TypeError: A value of one is no string, number or bool.
        """
        return MetricMeter(self.record, {**self._attributes, **_checked(additional_attributes)})

    def _make(self, kind: type[_MetricType], name: str, description: str | None, unit: str | None) -> _MetricType:
        return kind(self.record, name, description, unit, self._attributes)


MetricMeter.noop = MetricMeter(lambda recorded: None)
