"""foldlog without Kafka: topics, transport and processors in memory, on one event loop and one clock.

It implements the interfaces that the parts on Kafka implement too: `foldlog.transport.Transport` for clients,
`foldlog.worker.backend.Backend` for workers, `foldlog.processors.store.KeyValueStore` for partitions. Engine, runtime,
the handling of a turn, the records and their codec are the same. What it leaves out is what a broker is for: it
survives nothing, and it is one process.

- `clock`: a clock that runs and can be put forward.
- `topics`: topics as lists of records.
- `broker`: the topics of all namespaces, and who reads them.
- `skipping`: when the clock is put forward, and to when.
- `processor`, `tasks`, `transport`, `backend`: the other sides of the interfaces.

Everything belongs to one event loop; environments share nothing, so there may be many in a process.
"""

from foldlog.memory.broker import MemoryBroker
from foldlog.memory.transport import MemoryTransport

__all__ = ["MemoryBroker", "MemoryTransport"]
