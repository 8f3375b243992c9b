"""Starts a workflow and signals it with confluent-kafka and fastavro alone: any program that writes Avro can do this.

python examples/plain_producer.py localhost:9092 default order-7
"""

import json
import sys
from io import BytesIO
from pathlib import Path

from confluent_kafka import Producer
from fastavro import schemaless_writer
from fastavro.schema import fingerprint, load_schema_ordered, to_parsing_canonical_form

AVSC = Path(__file__).parent.parent / "schemas/foldlog/schemas/avsc"
COMMON = ["Payload", "Failure", "ReplyTo", "RetryPolicy", "Priority", "WorkflowOptions", "ParentExecution", "Initiator"]


def framed(name: str, **fields: object) -> bytes:
    """Avro's single-object encoding: C3 01, the schema's fingerprint, the record. Omitted fields have defaults."""
    parts = [*(f"common/{part}" for part in COMMON), name]
    schema = load_schema_ordered([str(AVSC / f"{part}.avsc") for part in parts])
    body = BytesIO()
    schemaless_writer(body, schema, fields)
    return b"\xc3\x01" + bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO")) + body.getvalue()


if len(sys.argv) != 4:
    sys.exit("usage: plain_producer.py BOOTSTRAP_SERVERS NAMESPACE WORKFLOW_ID")
bootstrap_servers, namespace, workflow_id = sys.argv[1:]
args = [{"encoding": "json/plain", "data": json.dumps("ann").encode()}]
start = framed("command/StartWorkflow", request_id=workflow_id, workflow_type="Greeting", task_queue="q", args=args)
signal = framed("command/SignalWorkflow", request_id=f"{workflow_id}-1", signal_name="approve")
producer = Producer({"bootstrap.servers": bootstrap_servers, "partitioner": "murmur2_random", "acks": "all"})
for command in (start, signal):
    producer.produce(f"{namespace}.commands", command, key=workflow_id)
print(f"a start of Greeting and a signal approve go to {namespace}.commands, for {workflow_id}")
sys.exit(producer.flush(10) and "not all of it was delivered within 10 s")
