"""The settings of Temporal's sandbox, for programs that make some: they can be read, changed and given to a worker.

There is no sandbox here. Modules are imported once, as everywhere in Python, so each of them is passed through; what
code does is watched while it runs, and refused with `RestrictedWorkflowAccessError`. What is made here has no effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from foldlog.worker.temporal_names import UnsandboxedWorkflowRunner, WorkflowRunner
from foldlog.workflow import RestrictedWorkflowAccessError

__all__ = ["RestrictedWorkflowAccessError", "SandboxMatcher", "SandboxRestrictions", "SandboxedWorkflowRunner"]

_WATCHED = (
    "__builtins__",
    "asyncio",
    "concurrent",
    "datetime",
    "glob",
    "http",
    "importlib",
    "io",
    "locale",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "signal",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "sys",
    "tempfile",
    "threading",
    "time",
    "urllib",
    "uuid",
    "webbrowser",
    "zoneinfo",
)
"""Where Temporal's default has something to say. Programs take single ones of them away."""


@dataclass(frozen=True)
class SandboxMatcher:
    """Names of modules and of what is in them."""

    access: Set[str] = frozenset()
    use: Set[str] = frozenset()
    children: Mapping[str, SandboxMatcher] = field(default_factory=dict)
    match_self: bool = False
    only_runtime: bool = False
    leaf_message: str | None = None
    leaf_warning: type[Warning] | None = None
    exclude: Set[str] = frozenset()

    all: ClassVar[SandboxMatcher]
    all_runtime: ClassVar[SandboxMatcher]
    none: ClassVar[SandboxMatcher]
    all_uses: ClassVar[SandboxMatcher]
    all_uses_runtime: ClassVar[SandboxMatcher]

    @classmethod
    def nested_child(cls, path: Sequence[str], child: SandboxMatcher) -> SandboxMatcher:
        """One that has another one at a path below it."""
        for name in reversed(path):
            child = cls(children={name: child})
        return child

    def child_matcher(self, *child_path: str) -> SandboxMatcher | None:
        """The one at a path below it; None: there is none."""
        found: SandboxMatcher | None = self
        for name in child_path:
            found = found.children.get(name) if found is not None else None
        return found

    def with_child_unrestricted(self, *child_path: str) -> SandboxMatcher:
        """The same without what it says of a path.

        Raises:
            ValueError: The path is empty.
        """
        if not child_path:
            raise ValueError("the path is empty")
        name, *rest = child_path
        if rest:
            if name not in self.children:
                return self
            return replace(self, children={**self.children, name: self.children[name].with_child_unrestricted(*rest)})
        left = {child: matcher for child, matcher in self.children.items() if child != name}
        return replace(self, access=self.access - {name}, use=self.use - {name}, children=left)

    def __or__(self, other: SandboxMatcher) -> SandboxMatcher:
        """What either of them says."""
        children = {**self.children}
        for name, matcher in other.children.items():
            children[name] = children[name] | matcher if name in children else matcher
        return replace(
            self,
            access=self.access | other.access,
            use=self.use | other.use,
            children=children,
            match_self=self.match_self or other.match_self,
            only_runtime=self.only_runtime and other.only_runtime,
            exclude=self.exclude | other.exclude,
        )


SandboxMatcher.all = SandboxMatcher(match_self=True)
SandboxMatcher.all_runtime = SandboxMatcher(match_self=True, only_runtime=True)
SandboxMatcher.none = SandboxMatcher()
SandboxMatcher.all_uses = SandboxMatcher(use=frozenset({"*"}))
SandboxMatcher.all_uses_runtime = SandboxMatcher(use=frozenset({"*"}), only_runtime=True)


@dataclass(frozen=True)
class SandboxRestrictions:
    """What the sandbox would pass through, and refuse."""

    passthrough_modules: Set[str]
    invalid_modules: SandboxMatcher
    invalid_module_members: SandboxMatcher
    import_notification_policy: Any = None
    passthrough_all_modules: bool = False
    disable_lazy_sys_module_passthrough: bool = False

    passthrough_modules_minimum: ClassVar[Set[str]] = frozenset({"foldlog"})
    passthrough_modules_with_temporal: ClassVar[Set[str]] = frozenset({"foldlog"})
    passthrough_modules_maximum: ClassVar[Set[str]] = frozenset({"foldlog"})
    passthrough_modules_default: ClassVar[Set[str]] = frozenset({"foldlog"})
    invalid_module_members_default: ClassVar[SandboxMatcher] = SandboxMatcher(
        children=dict.fromkeys(_WATCHED, SandboxMatcher.all_uses_runtime)
    )
    default: ClassVar[SandboxRestrictions]

    def with_passthrough_modules(self, *modules: str) -> SandboxRestrictions:
        """The same, passing through more modules."""
        return replace(self, passthrough_modules=self.passthrough_modules | set(modules))

    def with_passthrough_all_modules(self) -> SandboxRestrictions:
        """The same, passing through every module."""
        return replace(self, passthrough_all_modules=True)

    def with_import_notification_policy(self, policy: Any) -> SandboxRestrictions:
        """The same with another policy about imports."""
        return replace(self, import_notification_policy=policy)


SandboxRestrictions.default = SandboxRestrictions(
    passthrough_modules=SandboxRestrictions.passthrough_modules_default,
    invalid_modules=SandboxMatcher.none,
    invalid_module_members=SandboxRestrictions.invalid_module_members_default,
)


@dataclass(frozen=True)
class SandboxedWorkflowRunner(WorkflowRunner):
    """Would run workflow code in a sandbox."""

    restrictions: SandboxRestrictions = SandboxRestrictions.default
    runner_class: type[WorkflowRunner] = UnsandboxedWorkflowRunner
