"""The contract: Avro schemas of every record on foldlog's topics, and how to read and write them.

The root of the dependency order: nothing here knows of workflows, Kafka or RocksDB. The schemas are public
API, so that programs in any language can start workflows and follow their histories.
"""
