"""The project's settings: `[tool.foldlog.check]` of the nearest pyproject.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from foldlog.checker.rules import RULES
from foldlog.exceptions import ConfigurationError

FILE = "pyproject.toml"


@dataclass(frozen=True, kw_only=True)
class Config:
    """What is checked, and by which rules."""

    root: Path
    """What `exclude` is relative to."""
    exclude: tuple[str, ...] = ()
    """Patterns of paths that are passed over when folders are searched."""
    disable: frozenset[str] = frozenset()
    """Rules that do not apply."""
    forbidden: dict[str, str] = field(default_factory=dict)
    """Further names that workflow code must not use, with what to use instead (FL011)."""

    def excludes(self, path: Path) -> bool:
        """Whether a file is passed over."""
        try:
            relative = path.resolve().relative_to(self.root)
        except ValueError:
            return False
        parents = [relative, *relative.parents]
        return any(fnmatch(part.as_posix(), pattern.rstrip("/")) for part in parents for pattern in self.exclude)


def load(folder: Path) -> Config:
    """The settings that hold in a folder.

    Raises:
        ConfigurationError: They cannot be read, or one of them makes no sense.
    """
    folder = folder.resolve()
    for parent in (folder, *folder.parents):
        file = parent / FILE
        if file.is_file():
            return _read(file)
    return Config(root=folder)


def _read(file: Path) -> Config:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("foldlog", {}).get("check", {})
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: {error}", option="tool.foldlog.check") from error
    for name in table:
        if name not in ("exclude", "disable", "forbidden"):
            raise _wrong(file, name, "there is no such setting; there are exclude, disable, forbidden")
    disable = _strings(file, "disable", table.get("disable", []))
    for rule in disable:
        if rule not in RULES:
            raise _wrong(file, "disable", f"there is no rule {rule}")
    forbidden = table.get("forbidden", {})
    if not isinstance(forbidden, dict) or not all(isinstance(text, str) for text in forbidden.values()):
        raise _wrong(file, "forbidden", "it is a table of names with what to use instead")
    exclude = tuple(_strings(file, "exclude", table.get("exclude", [])))
    return Config(root=file.parent, exclude=exclude, disable=frozenset(disable), forbidden=forbidden)


def _strings(file: Path, name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(file, name, "it is a list of strings")
    return value


def _wrong(file: Path, name: str, what: str) -> ConfigurationError:
    return ConfigurationError(f"{file}: [tool.foldlog.check] {name}: {what}", option=f"tool.foldlog.check.{name}")
