"""The program in docs/schemas.md that reads a history, against a real broker."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from confluent_kafka import Producer
from foldlog.schemas.common import Payload
from foldlog.schemas.event import WorkflowExecutionCompleted, WorkflowExecutionStarted
from foldlog.schemas.framing import encode
from foldlog.schemas.log import BatchCommitted
from foldlog.transport.admin import create_topics
from foldlog.transport.config import KafkaConfig
from foldlog.transport.schemas_topic import SchemasTopic
from foldlog.transport.topics import Topics

from tests.integration.processor.logs import settled

PAGE = Path(__file__).parents[2] / "docs" / "schemas.md"


def test_the_documented_reader_prints_a_history(kafka: str, namespace: str, tmp_path: Path) -> None:
    config, topics = KafkaConfig(bootstrap_servers=kafka), Topics(namespace)
    create_topics(config, topics, partitions=2)
    with SchemasTopic(config, topics) as schemas:
        schemas.publish()
    started = WorkflowExecutionStarted(
        run_id="r", event_id=1, time_ms=1_790_000_000_000, workflow_type="w", task_queue="q"
    )
    completed = WorkflowExecutionCompleted(
        run_id="r", event_id=2, time_ms=1_790_000_001_000, result=Payload(encoding="binary/null")
    )
    producer = Producer(config.producer(**{"transactional.id": namespace}))
    producer.init_transactions(60)
    for commit, event in ((True, started), (False, started), (True, completed)):
        producer.begin_transaction()
        producer.produce(topics.events, key="order-7", value=encode(event))
        producer.produce(topics.events, key="another", value=encode(event))
        producer.produce(topics.events, value=encode(BatchCommitted(commands_offset=1, time_ms=1)))
        assert producer.flush(60) == 0
        producer.commit_transaction(60) if commit else producer.abort_transaction(60)
    settled(config, topics.events)

    program = tmp_path / "read_history.py"
    program.write_text(re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0])
    arguments = [sys.executable, str(program), kafka, namespace, "order-7"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "1 WorkflowExecutionStarted 2026-09-21T14:13:20+00:00",
        "2 WorkflowExecutionCompleted 2026-09-21T14:13:21+00:00",
    ]
