"""Which class a run is of: plain, or with whatever of watchdog, interceptors and codec there is around it.

The codec is the outermost: it may wait for another system, which is none of the watchdog's business.
"""

from __future__ import annotations

from functools import cache

from foldlog.runtime.coded import CodedInstance
from foldlog.runtime.instance import WorkflowInstance
from foldlog.runtime.intercepted import InterceptedInstance
from foldlog.runtime.watched import WatchedInstance


@cache
def instance_class(*, coded: bool, intercepted: bool, watched: bool) -> type[WorkflowInstance]:
    """The class of runs with these parts."""
    wanted = {CodedInstance: coded, InterceptedInstance: intercepted, WatchedInstance: watched}
    parts = tuple(part for part, is_wanted in wanted.items() if is_wanted)
    if len(parts) < 2:
        return parts[0] if parts else WorkflowInstance
    return type(
        "".join(part.__name__.removesuffix("Instance") for part in parts) + "Instance", parts, {"__slots__": ()}
    )
