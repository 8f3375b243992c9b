"""The way to Kafka for clients and workers: configuration, topics, and a connection that asks and tells.

The only package of the engine's root that imports a Kafka library. It knows records and topics, and nothing of
workflow code, data converters or the processor's state.
"""
