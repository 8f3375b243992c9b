"""The task queues that a processor sends to, and whether their topics are there.

Owns what it means that a topic cannot be had: for the workflow that wants the queue, or for the processor as a whole.
"""

from __future__ import annotations

from foldlog.core.decider import WorkflowTaskError
from foldlog.processors.partition import NotNow
from foldlog.transport.admin import ensure_task_topic
from foldlog.transport.config import KafkaConfig
from foldlog.transport.errors import BrokerUnreachableError, ConfigurationError, TransportError
from foldlog.transport.topics import Topics


class TaskQueues:
    """The topics of task queues, each looked for once."""

    def __init__(self, config: KafkaConfig, topics: Topics) -> None:
        self._config = config
        self._names = topics
        self._topics: dict[str, str] = {}

    def require(self, task_queue: str) -> None:
        """Make sure that there is a topic for tasks of this queue.

        Raises:
            WorkflowTaskError: There is none and there can be none: whoever wants it must wait.
            NotNow: Kafka could not be asked.
        """
        if task_queue not in self._topics:
            self.topic(task_queue)

    def topic(self, task_queue: str) -> str:
        """The topic of a queue, which is created if it is missing.

        Raises:
            WorkflowTaskError, NotNow: As in `require`.
        """
        known = self._topics.get(task_queue)
        if known is not None:
            return known
        try:
            topic = self._names.tasks(task_queue)
            ensure_task_topic(self._config, self._names, task_queue)
        except BrokerUnreachableError as error:
            raise NotNow(f"task queue {task_queue!r}: {error}") from error
        except (ConfigurationError, TransportError) as error:
            raise WorkflowTaskError(f"task queue {task_queue!r} cannot be used: {error}") from error
        self._topics[task_queue] = topic
        return topic
