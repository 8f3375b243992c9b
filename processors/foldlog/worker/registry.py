"""The activities that a worker has, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from foldlog.activity._definition import Definition
from foldlog.exceptions import ApplicationError, ConfigurationError, DefinitionError
from foldlog.processors.host import missing_activity


class Registered(NamedTuple):
    """One activity, with all that a call needs."""

    name: str
    function: Callable[..., Any]
    is_async: bool
    arg_types: Sequence[Any]
    dynamic: bool
    interruptible: bool
    """Whether cancellation raises in its thread."""


class Registry:
    """Activities by name, and the dynamic one for all other names."""

    def __init__(self, activities: Sequence[Callable[..., Any]]) -> None:
        """Register activities.

        Raises:
            DefinitionError: One of them has no `@activity.defn`, or its type hints cannot be resolved, or it is a class
                or a method of a class where an object of the class is needed, or two are dynamic.
            ConfigurationError: Two have the same name.
        """
        self._activities: dict[str, Registered] = {}
        self._dynamic: Registered | None = None
        for function in activities:
            self._add(Definition.must_from_callable(function))

    def _add(self, definition: Definition) -> None:
        name: str = definition.name or getattr(definition.fn, "__name__", "") or repr(definition.fn)
        if definition.is_unbound:
            raise DefinitionError(
                f"activity {name} is a class instead of an instance, or a method of a class: register an object with "
                "__call__, or a method of an object",
                option="activities",
            )
        activity = Registered(
            name,
            definition.fn,
            definition.is_async,
            definition.arg_types,
            definition.dynamic,
            not definition.no_thread_cancel_exception,
        )
        if definition.dynamic:
            if self._dynamic is not None:
                raise DefinitionError(
                    f"two activities are dynamic: {self._dynamic.name} and {name}", option="activities"
                )
            self._dynamic = activity
        elif name in self._activities:
            raise ConfigurationError(f"more than one activity is named {name}", option="activities")
        else:
            self._activities[name] = activity

    def __len__(self) -> int:
        return len(self._activities) + (self._dynamic is not None)

    @property
    def names(self) -> list[str]:
        """The names, sorted; the dynamic one has none."""
        return sorted(self._activities)

    @property
    def sync(self) -> list[Registered]:
        """Those that need an executor."""
        dynamic = [self._dynamic] if self._dynamic is not None else []
        return [activity for activity in (*self._activities.values(), *dynamic) if not activity.is_async]

    def has(self, name: str) -> bool:
        """Whether there is an activity for this name."""
        return name in self._activities or self._dynamic is not None

    def missing(self, name: str) -> str:
        """What to say where there is no activity for this name; empty: there is one."""
        return "" if self.has(name) else missing_activity(name, self.names)

    def get(self, name: str) -> Registered | None:
        """The activity for a name; None: there is none."""
        return self._activities.get(name) or self._dynamic

    def find(self, name: str) -> Registered:
        """The activity for a name, which must be there.

        Raises:
            ApplicationError: There is none. It may be retried: another worker, or the next version, may have it.
        """
        activity = self.get(name)
        if activity is None:
            raise ApplicationError(self.missing(name), type="NotFoundError")
        return activity
