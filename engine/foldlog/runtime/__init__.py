"""The workflow runtime: Python coroutines as deciders of the engine. Public to processors, not to applications.

It may know the engine's decisions and events, and `foldlog.workflow`; it knows neither Kafka nor the store, and never
looks at a clock, at random numbers or at anything else outside of the history.
"""

from foldlog.runtime.factory import WorkflowRuntime
from foldlog.runtime.watchdog import is_debugging

__all__ = ["WorkflowRuntime", "is_debugging"]
