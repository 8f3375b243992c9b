"""What the JSON converter asks of pydantic, which is an extra: its models, and hints that msgspec refuses.

Nothing here imports pydantic before it is needed: whoever has a model has imported it already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from foldlog.converter._names import type_name
from foldlog.exceptions import PayloadConversionError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

_MOST_PROBLEMS = 3


class ModelError(ValueError):
    """A model refuses a value. A ValueError, since msgspec lets only those through and adds where it happened."""

    def __init__(self, problem: str, where: str) -> None:
        super().__init__(f"{where}: {problem}" if where else problem)
        self.problem = problem
        self.where = where


def is_model_type(kind: Any) -> bool:
    """Whether it is a class of pydantic models."""
    pydantic = sys.modules.get("pydantic")
    return pydantic is not None and isinstance(kind, type) and issubclass(kind, pydantic.BaseModel)


def is_model(value: Any) -> bool:
    """Whether it is a pydantic model."""
    return is_model_type(type(value))


def validate(kind: type[BaseModel], value: Any) -> BaseModel:
    """Make a model of what JSON says; the model's own configuration decides how strictly.

    Raises:
        ModelError: It does not fit; `where` is the place within this model.
    """
    from pydantic import ValidationError

    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise ModelError(*_readable(error, skip=0)) from error


def reader(hint: Any, problem: str) -> Callable[[bytes], Any]:
    """A function that reads JSON as a type that msgspec refuses.

    Args:
        hint: The type.
        problem: Why msgspec refuses it.

    Raises:
        PayloadConversionError: pydantic is not installed, or refuses it as well.
    """
    try:
        from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
    except ImportError:
        raise PayloadConversionError(
            f"{type_name(hint)} cannot be read from JSON ({problem}): install foldlog[pydantic], which reads more"
            " types, or take a converter with a JSONTypeConverter of your own"
        ) from None
    try:
        # In a list, since a configuration cannot be given for a dataclass by itself; models keep their own.
        adapter: TypeAdapter[list[Any]] = TypeAdapter(
            list[hint], config=ConfigDict(strict=True, val_json_bytes="base64", defer_build=False)
        )
    except (PydanticUserError, NameError) as error:
        raise PayloadConversionError(
            f"{type_name(hint)} cannot be read from JSON: {str(error).splitlines()[0]}"
        ) from error

    def read(data: bytes) -> Any:
        try:
            return adapter.validate_json(b"[" + data + b"]")[0]
        except ValidationError as error:
            raise PayloadConversionError(*_readable(error, skip=1)) from error
        except PydanticUserError as error:
            raise PayloadConversionError(
                f"{type_name(hint)} cannot be read from JSON: {str(error).splitlines()[0]}"
            ) from error

    return read


def _readable(error: ValidationError, skip: int) -> tuple[str, str]:
    """What is wrong, and where if it is one thing."""
    problems = error.errors(include_url=False, include_context=False)
    where = _path(problems[0]["loc"][skip:]) if len(problems) == 1 else ""
    said = []
    for problem in problems[:_MOST_PROBLEMS]:
        text = problem["msg"][:1].lower() + problem["msg"][1:]
        if problem["type"] not in ("missing", "json_invalid"):
            text += f", got {type(problem['input']).__name__}"
        said.append(text if where else f"{_path(problem['loc'][skip:]).lstrip('.')}: {text}".removeprefix(": "))
    if len(problems) > _MOST_PROBLEMS:
        said.append(f"and {len(problems) - _MOST_PROBLEMS} more")
    return "; ".join(said), where


def _path(location: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location)
