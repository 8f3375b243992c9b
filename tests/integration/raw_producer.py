"""Writes records that confluent-kafka does not let one write: headers with any bytes for a name, as clients in C can.

Calls librdkafka itself, which the extension of confluent-kafka brings along.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from ctypes import c_char_p, c_int, c_int32, c_size_t, c_ssize_t, c_void_p

from confluent_kafka import cimpl

_END, _TOPIC, _PARTITION, _VALUE, _KEY, _FLAGS, _HEADERS = 0, 1, 3, 4, 5, 7, 10
_PRODUCER, _COPY = 0, 2
_FLUSH_MS = 60_000


def produce(servers: str, topic: str, partition: int, key: bytes, value: bytes, names: Iterable[bytes]) -> None:
    """Write a record with headers of these names, and wait until the broker has it."""
    library = ctypes.CDLL(cimpl.__file__)
    for function in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_headers_new"):
        getattr(library, function).restype = c_void_p
    error = ctypes.create_string_buffer(512)
    conf = c_void_p(library.rd_kafka_conf_new())
    assert library.rd_kafka_conf_set(conf, b"bootstrap.servers", servers.encode(), error, c_size_t(512)) == 0
    producer = c_void_p(library.rd_kafka_new(c_int(_PRODUCER), conf, error, c_size_t(512)))
    assert producer, error.value
    headers = c_void_p(library.rd_kafka_headers_new(c_size_t(1)))
    for name in names:
        assert library.rd_kafka_header_add(headers, name, c_ssize_t(len(name)), b"x", c_ssize_t(1)) == 0
    arguments = [
        *(c_int(_TOPIC), c_char_p(topic.encode())),
        *(c_int(_PARTITION), c_int32(partition)),
        *(c_int(_KEY), c_char_p(key), c_size_t(len(key))),
        *(c_int(_VALUE), c_char_p(value), c_size_t(len(value))),
        *(c_int(_FLAGS), c_int(_COPY)),
        *(c_int(_HEADERS), headers),
    ]
    assert library.rd_kafka_producev(producer, *arguments, c_int(_END)) == 0
    assert library.rd_kafka_flush(producer, c_int(_FLUSH_MS)) == 0
    library.rd_kafka_destroy(producer)
