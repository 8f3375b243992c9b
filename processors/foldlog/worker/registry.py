"""The activities that a worker has, by name, and by version where runs are pinned to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    def __init__(
        self,
        activities: Sequence[Callable[..., Any]],
        *,
        version: str = "",
        earlier: Mapping[str, Sequence[Callable[..., Any]]] | None = None,
    ) -> None:
        """Register activities.

        Args:
            activities: They.
            version: Their version, as <deployment>.<build ID>; empty: of none, and they are for runs of any version.
            earlier: Those of other versions that are not the same there. A dynamic one among them is for all names that
                are not.

        Raises:
            DefinitionError: One of them has no `@activity.defn`, or its type hints cannot be resolved, or it is a class
                or a method of a class where an object of the class is needed, or two are dynamic.
            ConfigurationError: Two have the same name, or only other versions have any.
        """
        self._activities: dict[str, Registered] = {}
        self._dynamic: Registered | None = None
        for function in activities:
            self._add(Definition.must_from_callable(function))
        self._version = version
        self._deployment = version.partition(".")[0]
        self._earlier = {name: Registry(others) for name, others in (earlier or {}).items()}
        if not len(self) and any(map(len, self._earlier.values())):
            raise ConfigurationError(
                "earlier versions have activities, and the worker has none of its own: it would take tasks of its own "
                "version and not have them",
                option="earlier_versions",
            )
        for other in self._earlier.values():
            if other._dynamic is None:
                other._activities = self._activities | other._activities
                other._dynamic = self._dynamic

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
        found: list[Registered] = []
        for registry in (self, *self._earlier.values()):
            dynamic = [registry._dynamic] if registry._dynamic is not None else []
            found += [each for each in (*registry._activities.values(), *dynamic) if not each.is_async]
        return found

    @property
    def versions(self) -> list[str]:
        """The versions that it has; none: it is for runs of any."""
        return [self._version, *self._earlier] if self._version else []

    def hosts(self, version: str) -> bool:
        """Whether these are the activities for a run that is pinned to a version; with an empty one, to none.

        Versions of another deployment mean nothing here: then this one is asked as a service of its own.
        """
        if not version or version == self._version or version in self._earlier:
            return True
        return not self._version or version.partition(".")[0] != self._deployment

    def has(self, name: str, version: str = "") -> bool:
        """Whether there is an activity for this name, for a run that is pinned to a version."""
        return self.get(name, version) is not None

    def missing(self, name: str, version: str = "") -> str:
        """What to say where there is no activity for this name and version; empty: there is one."""
        if not self.hosts(version):
            return (
                f"Activity function {name} of version {version} is not registered on this worker, which has the "
                f"versions {', '.join(self.versions)}"
            )
        having = self._earlier.get(version, self)
        return "" if self.has(name, version) else missing_activity(name, having.names)

    def get(self, name: str, version: str = "") -> Registered | None:
        """The activity for a name and a version; None: there is none."""
        if version and not self.hosts(version):
            return None
        having = self._earlier.get(version, self)
        return having._activities.get(name) or having._dynamic

    def find(self, name: str, version: str = "") -> Registered:
        """The activity for a name and a version, which must be there.

        Raises:
            ApplicationError: There is none. It may be retried: another worker, or the next version, may have it.
        """
        activity = self.get(name, version)
        if activity is None:
            raise ApplicationError(self.missing(name, version), type="NotFoundError")
        return activity
