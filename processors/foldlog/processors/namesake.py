"""Whether another process goes by the name of this one: two with one instance ID would fence each other for ever.

A processor that is fenced does not know by whom. Whoever took its partitions over while it was paused did so because
the group had given it up: it joins anew, and all is well. But a namesake has its place in the group, and would be
fenced in turn. So the group is asked who has the name.
"""

from __future__ import annotations

import logging
import threading
import time

from confluent_kafka import Consumer, KafkaException
from foldlog.exceptions import ConfigurationError
from foldlog.transport.clients import open_admin
from foldlog.transport.config import KafkaConfig

logger = logging.getLogger("foldlog.processor")

LOOK_SECONDS = 5.0
"""How long to look: a namesake fences the producers first, and joins the group soon after."""
ANSWER_SECONDS = 10.0
"""How long the broker has for each question."""
_PAUSE_SECONDS = 0.5


class InstanceIdTakenError(ConfigurationError):
    """Another process has the same instance ID, and has taken this one's place. The message names the option."""


def require_no_namesake(
    config: KafkaConfig, group: str, instance_id: str, consumer: Consumer, stopping: threading.Event
) -> None:
    """Make sure that a member that was fenced may join its group anew.

    Args:
        config: How to reach Kafka.
        group: The group.
        instance_id: The name of this member.
        consumer: Its membership, not closed yet.
        stopping: Ends the wait.

    Raises:
        InstanceIdTakenError: It may not: another process has its name.
    """
    admin = open_admin(config)
    until = time.monotonic() + LOOK_SECONDS
    strangers: set[str] = set()
    while time.monotonic() < until:
        try:
            members = admin.describe_consumer_groups([group])[group].result(ANSWER_SECONDS).members
        except (KafkaException, TimeoutError) as error:
            # A broker in trouble says nothing about a namesake. There is another time, if there is one.
            logger.warning("cannot ask who is in %s: %r", group, error)
            return
        named = {member.member_id for member in members if member.group_instance_id == instance_id}
        if not named:
            return
        # Twice: the first may be this very process, which is joining and has not been told its ID yet.
        found = named - {consumer.memberid()}
        if found & strangers:
            raise InstanceIdTakenError(
                f"another process or worker with the instance ID {instance_id!r} has taken the place of this one in "
                f"{group}: each needs an instance_id (--instance-id, FOLDLOG_INSTANCE_ID) of its own, or none at all",
                option="instance_id",
            )
        strangers = found
        if stopping.wait(_PAUSE_SECONDS):
            return
