"""Whether a run that comes to a patch for the first time takes the new way: where the worker has a say in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foldlog.runtime.loop import Mode
from foldlog.workflow._info import Info
from foldlog.workflow._unsafe import unsafe

if TYPE_CHECKING:
    from foldlog.runtime.instance import WorkflowInstance


@dataclass(frozen=True)
class PatchActivationInput:
    """What `patch_activation_callback` of a worker is asked about."""

    workflow_info: Info
    """The run that calls `patched`."""
    patch_id: str
    """The patch."""


PatchActivation = Callable[[PatchActivationInput], bool]


def activates(callback: PatchActivation, run: WorkflowInstance, patch_id: str) -> bool:
    """Ask. The callback is the worker's own code, so the guard lets it through; but it can decide nothing.

    Raises:
        TypeError: It returned something else than true or false.
    """
    asked = PatchActivationInput(workflow_info=run.info(), patch_id=patch_id)
    mode, run.loop.mode = run.loop.mode, Mode.READ_ONLY
    try:
        with unsafe.sandbox_unrestricted():
            found = callback(asked)
    finally:
        run.loop.mode = mode
    if type(found) is not bool:
        raise TypeError(f"Patch activation callback must return true or false, not {found!r}")
    return found
