"""A payload codec, called from the thread on which workflows run.

Codecs are asynchronous and belong to the worker's event loop, where their connections live; workflows run on a thread
that must not wait long. So a codec that never waits is called right here, and any other on its loop, all payloads of a
batch at once, ahead of the need: `foresee` keeps what they are decoded to. One that does not answer stalls the runs
that need it, and is left alone for a moment, so that the others are not held up one after another.
"""

from __future__ import annotations

import asyncio
import copy
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, Literal, cast

from foldlog.converter import PayloadCodec, SerializationContext
from foldlog.converter._codec import decode_with, encode_with
from foldlog.converter._context import in_context, wants_context
from foldlog.core.decider import WorkflowTaskError
from foldlog.exceptions import PayloadConversionError
from foldlog.runtime.payloads import Group, collect, replaced
from foldlog.schemas.common import Payload
from msgspec import Struct

ANSWER_SECONDS = 5.0
"""How long a codec is waited for."""
REST_SECONDS = 1.0
"""How long one that did not answer is left alone."""
KEPT_BYTES = 32 * 1024 * 1024
"""Decoded payloads that are kept, in bytes."""

What = Literal["encode", "decode"]
Call = Callable[[], Coroutine[Any, Any, list[Payload]]]
_WAITS = RuntimeError("it waits for something, although it says that it never does (may_wait)")
_CANCELLED = RuntimeError("something that it waits for was cancelled")
_Key = tuple[tuple[str, bytes, tuple[tuple[str, bytes], ...]], ...]


class _Each(Struct):
    """Payloads that each stand alone, as a record with them."""

    values: dict[str, Payload]


class Coder:
    """Calls one codec. Used by one thread at a time, which is not the event loop's."""

    def __init__(self, codec: PayloadCodec, *, headers: bool = False, answer_seconds: float = ANSWER_SECONDS) -> None:
        """Make one; without `use_loop`, a codec that waits does so on a loop of its own.

        Args:
            codec: The codec.
            headers: Whether headers go through it as well.
            answer_seconds: How long it is waited for.
        """
        self._codec = codec
        self.wants_context = wants_context(codec)
        """Whether the codec wants to know what payloads belong to."""
        self._headers = headers
        self._answer_seconds = answer_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clock: Callable[[], float] = time.monotonic
        self._resting_until = 0.0
        self._kept: OrderedDict[_Key, list[Payload]] = OrderedDict()
        self._kept_bytes = 0
        self._failed: dict[_Key, Exception] = {}
        """What could not be foreseen the last time. It is told once, and never to a later try."""

    def in_context(self, context: SerializationContext) -> Coder:
        """One that calls the codec in a context. It keeps nothing of what this one does."""
        codec = in_context(self._codec, context)
        if codec is self._codec:
            return self
        made = copy.copy(self)
        made._codec = codec
        made._kept, made._kept_bytes, made._failed = OrderedDict(), 0, {}
        return made

    def is_like(self, other: Coder) -> bool:
        """Whether another one calls the same codec, for the same payloads."""
        return self._codec is other._codec and self._headers == other._headers

    @property
    def codes_headers(self) -> bool:
        """Whether headers go through the codec as well."""
        return self._headers

    @property
    def foresees(self) -> bool:
        """Whether `foresee` does anything."""
        return self._codec.may_wait

    def use_loop(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] | None = None) -> None:
        """Call the codec on this loop, which runs on another thread.

        Args:
            loop: The loop.
            clock: Tells the seconds for which a codec that did not answer is left alone: the clock that decides when a
                stalled run is tried again. None: the machine's.
        """
        self._loop = loop
        self._clock = clock or time.monotonic

    # ---- records

    def decoded(self, record: Any) -> Any:
        """A record as workflow code sees it.

        Raises:
            WorkflowTaskError: The codec raised, or did not answer.
        """
        found = collect(record, self._headers)
        return self._put_back("decode", record, self._decode_groups(found)) if found else record

    def encoded(self, records: Sequence[Any]) -> list[Any]:
        """Records as they go to the log; the codec is waited for once for all of them.

        Raises:
            WorkflowTaskError: The codec raised, or did not answer.
        """
        return self.encoded_each([(self, record) for record in records])

    def encoded_each(self, records: Sequence[tuple[Coder, Any]]) -> list[Any]:
        """As `encoded`, each record by a coder of its own; they are those of this one in various contexts.

        Raises:
            WorkflowTaskError: The codec raised, or did not answer.
        """
        found = [collect(record, self._headers) for _, record in records]
        made = iter(
            self._all(
                "encode",
                [
                    partial(encode_with, coder._codec, group)
                    for (coder, _), groups in zip(records, found, strict=True)
                    for group in groups
                ],
            )
        )
        return [
            coder._put_back("encode", record, islice(made, len(groups))) if groups else record
            for (coder, record), groups in zip(records, found, strict=True)
        ]

    def _put_back(self, what: What, record: Any, groups: Iterable[Group]) -> Any:
        try:
            return replaced(record, iter(groups), self._headers)
        except PayloadConversionError as error:
            raise _refused(what, self._codec, error) from error

    def foresee(self, records: Iterable[Any]) -> None:
        """Decode all payloads of records at once, for `decoded` to find them. What cannot be decoded is told there."""
        if not self.foresees:
            return
        self._failed.clear()
        wanted: dict[_Key, Group] = {}
        for record in records:
            for group in collect(record, self._headers):
                key = _key(group)
                if key not in self._kept:
                    wanted[key] = group
        if not wanted:
            return
        made: Sequence[list[Payload] | Exception]
        try:
            made = self._call("decode", [partial(decode_with, self._codec, group) for group in wanted.values()])
        except Exception as error:
            made = [error] * len(wanted)
        for key, result in zip(wanted, made, strict=True):
            if isinstance(result, Exception):
                self._failed[key] = result
            else:
                self._keep(key, result)

    # ---- payloads

    def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Payloads that belong together, as they go to the log.

        Raises:
            WorkflowTaskError: The codec raised, or did not answer.
        """
        return self._all("encode", [partial(encode_with, self._codec, payloads)])[0]

    def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Payloads that belong together, as workflow code sees them.

        Raises:
            WorkflowTaskError: The codec raised, or did not answer.
        """
        return self._decode_groups([payloads])[0]

    def decode_each(self, values: Mapping[str, Payload]) -> dict[str, Payload]:
        """Payloads that each stand alone, as workflow code sees them.

        Raises:
            WorkflowTaskError: The codec raised, or did not answer.
        """
        made: dict[str, Payload] = self.decoded(_Each(dict(values))).values
        return made

    def _decode_groups(self, groups: Sequence[Group]) -> list[list[Payload]]:
        if not self._codec.may_wait:
            return self._all("decode", [partial(decode_with, self._codec, group) for group in groups])
        keys = [_key(group) for group in groups]
        known: dict[_Key, list[Payload]] = {}
        for key in keys:
            failed = self._failed.pop(key, None)
            if failed is not None:
                raise failed if isinstance(failed, WorkflowTaskError) else _refused("decode", self._codec, failed)
            kept = self._kept.get(key)
            if kept is not None:
                known[key] = kept
                self._kept.move_to_end(key)
        missing = {key: group for key, group in zip(keys, groups, strict=True) if key not in known}
        if missing:
            made = self._all("decode", [partial(decode_with, self._codec, group) for group in missing.values()])
            for key, result in zip(missing, made, strict=True):
                known[key] = result
                self._keep(key, result)
        return [known[key] for key in keys]

    def _keep(self, key: _Key, result: list[Payload]) -> None:
        if key not in self._kept:
            self._kept_bytes += _size(key, result)
        self._kept[key] = result
        while self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= _size(*self._kept.popitem(last=False))

    # ---- calling

    def _all(self, what: What, calls: list[Call]) -> list[list[Payload]]:
        """What calls of the codec return.

        Raises:
            WorkflowTaskError: One raised, or the codec did not answer.
        """
        if not calls:
            return []
        try:
            results = self._call(what, calls)
        except WorkflowTaskError:
            raise
        except Exception as error:
            raise _refused(what, self._codec, error) from error
        for result in results:
            if isinstance(result, Exception):
                raise _refused(what, self._codec, result) from result
        return cast("list[list[Payload]]", results)

    def _call(self, what: What, calls: list[Call]) -> list[list[Payload] | Exception]:
        """What calls of the codec return or raise.

        Raises:
            WorkflowTaskError: It did not answer.
        """
        codec = self._codec
        if codec.may_wait and not codec.thread_safe:
            return self._wait(what, calls)
        results = [_at_once(call) for call in calls]
        waiting = [index for index, result in enumerate(results) if result is _WAITS]
        if waiting and codec.may_wait:
            for index, result in zip(waiting, self._wait(what, [calls[index] for index in waiting]), strict=True):
                results[index] = result
        return results

    def _wait(self, what: What, calls: list[Call]) -> list[list[Payload] | Exception]:
        """Have the calls made on the event loop."""
        if self._clock() < self._resting_until:
            raise self._silent(what)
        loop = self._loop
        if loop is None or not loop.is_running() or _runs_here(loop):
            results = _on_a_thread(_gathered(calls), self._answer_seconds)
        else:
            waiting = asyncio.run_coroutine_threadsafe(_gathered(calls), loop)
            try:
                results = waiting.result(self._answer_seconds)
            except TimeoutError:
                waiting.cancel()
                results = None
        if results is None:
            self._resting_until = self._clock() + REST_SECONDS
            raise self._silent(what)
        return results

    def _silent(self, what: What) -> WorkflowTaskError:
        return WorkflowTaskError(
            f"{type(self._codec).__name__} did not {what} payloads within {self._answer_seconds:g} seconds"
        )


def _at_once(call: Call) -> list[Payload] | Exception:
    """What a call returns or raises if it does not wait; otherwise `_WAITS`."""
    begun = call()
    try:
        begun.send(None)
    except StopIteration as returned:
        made: list[Payload] = returned.value
        return made
    except Exception as error:
        return error
    begun.close()
    return _WAITS


async def _gathered(calls: list[Call]) -> list[list[Payload] | Exception]:
    results = await asyncio.gather(*(call() for call in calls), return_exceptions=True)
    for index, result in enumerate(results):
        if isinstance(result, asyncio.CancelledError):
            results[index] = _CANCELLED  # something that it waited for, not the wait for it
        elif isinstance(result, BaseException) and not isinstance(result, Exception):
            raise result
    return cast("list[list[Payload] | Exception]", results)


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        return False
    return running is loop


def _on_a_thread(gathered: Coroutine[Any, Any, list[Any]], seconds: float) -> list[Any] | None:
    """Where there is no loop to call it on, as in a replay from a file. None: it did not answer."""
    results: list[Any] = []

    def run() -> None:
        # Cancelled in time, so that a codec that never answers leaves no thread behind at each try.
        with suppress(TimeoutError):
            results.append(asyncio.run(asyncio.wait_for(gathered, seconds)))

    thread = threading.Thread(target=run, name="foldlog-codec", daemon=True)
    thread.start()
    thread.join(seconds)
    return cast("list[Any]", results[0]) if results else None


def _refused(what: What, codec: PayloadCodec, error: Exception) -> WorkflowTaskError:
    refused = WorkflowTaskError(f"{type(codec).__name__} cannot {what} a payload: {type(error).__name__}: {error}")
    refused.__cause__ = error
    return refused


def _key(group: Group) -> _Key:
    return tuple((payload.encoding, payload.data, tuple(sorted(payload.metadata.items()))) for payload in group)


def _size(key: _Key, result: list[Payload]) -> int:
    return 200 + sum(len(data) for _, data, _ in key) + sum(len(payload.data) for payload in result)
