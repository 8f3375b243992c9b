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
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, Literal, cast

from foldlog.converter import PayloadCodec, SerializationContext
from foldlog.converter._codec import decode_with, encode_with
from foldlog.converter._context import in_context, wants_context
from foldlog.core.decider import WorkflowTaskError
from foldlog.runtime.payloads import changed, collect, replaced
from foldlog.schemas.common import Payload

ANSWER_SECONDS = 5.0
"""How long a codec is waited for."""
REST_SECONDS = 1.0
"""How long one that did not answer is left alone."""
KEPT_BYTES = 32 * 1024 * 1024
"""Decoded payloads that are kept, in bytes."""

What = Literal["encode", "decode"]
Call = Callable[[], Coroutine[Any, Any, list[Payload]]]
_WAITS = RuntimeError("it waits for something, although it says that it never does (may_wait)")
_Key = tuple[str, bytes, tuple[tuple[str, bytes], ...]]


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
        self._resting_until = 0.0
        self._kept: OrderedDict[_Key, Payload | Exception] = OrderedDict()
        self._kept_bytes = 0

    def in_context(self, context: SerializationContext) -> Coder:
        """One that calls the codec in a context. It keeps nothing of what this one does."""
        codec = in_context(self._codec, context)
        if codec is self._codec:
            return self
        made = copy.copy(self)
        made._codec = codec
        made._kept, made._kept_bytes = OrderedDict(), 0
        return made

    @property
    def codes_headers(self) -> bool:
        """Whether headers go through the codec as well."""
        return self._headers

    @property
    def foresees(self) -> bool:
        """Whether `foresee` does anything."""
        return self._codec.may_wait

    def use_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call the codec on this loop, which runs on another thread."""
        self._loop = loop

    # ---- records

    def decoded(self, record: Any) -> Any:
        """A record as workflow code sees it.

        Raises:
            WorkflowTaskError: The codec raised, or did not answer.
        """
        return changed(record, self.decode, self._headers)

    def encoded(self, records: Sequence[Any]) -> list[Any]:
        """Records as they go to the log, with one call of the codec for all of them.

        Raises:
            WorkflowTaskError: The codec raised, or did not answer.
        """
        found = [collect(record, self._headers) for record in records]
        payloads = [payload for each in found for payload in each]
        if not payloads:
            return list(records)
        made = iter(self.encode(payloads))
        return [
            replaced(record, made, self._headers) if each else record
            for record, each in zip(records, found, strict=True)
        ]

    def encoded_each(self, records: Sequence[tuple[Coder, Any]]) -> list[Any]:
        """As `encoded`, each record by a coder of its own; they are those of this one in various contexts.

        Raises:
            WorkflowTaskError: The codec raised, or did not answer.
        """
        found = [collect(record, self._headers) for _, record in records]
        calls: list[Call] = [
            partial(encode_with, coder._codec, payloads)
            for (coder, _), payloads in zip(records, found, strict=True)
            if payloads
        ]
        made = iter(self._call("encode", calls) if calls else [])
        done = []
        for (coder, record), payloads in zip(records, found, strict=True):
            if not payloads:
                done.append(record)
                continue
            encoded = next(made)
            if isinstance(encoded, Exception):
                raise _refused("encode", coder._codec, encoded) from encoded
            done.append(replaced(record, iter(encoded), self._headers))
        return done

    def foresee(self, records: Iterable[Any]) -> None:
        """Decode all payloads of records at once, for `decoded` to find them. What cannot be decoded is told there."""
        if not self.foresees:
            return
        wanted: dict[_Key, list[Payload]] = {}
        for record in records:
            for payload in collect(record, self._headers):
                key = _key(payload)
                if key not in self._kept:
                    wanted[key] = [payload]
        if not wanted:
            return
        try:
            made = self._call("decode", [partial(decode_with, self._codec, each) for each in wanted.values()])
        except Exception as error:
            made = [error] * len(wanted)
        for key, result in zip(wanted, made, strict=True):
            if isinstance(result, Exception):
                self._keep(key, result)
            else:
                self._keep(key, result[0])

    # ---- payloads

    def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Payloads as they go to the log.

        Raises:
            WorkflowTaskError: The codec raised, or did not answer.
        """
        return self._one("encode", partial(encode_with, self._codec, payloads))

    def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Payloads as workflow code sees them.

        Raises:
            WorkflowTaskError: The codec raised, or did not answer.
        """
        if not self._codec.may_wait:
            return self._one("decode", partial(decode_with, self._codec, payloads))
        keys = [_key(payload) for payload in payloads]
        known = {key: self._kept[key] for key in keys if key in self._kept}
        for key, result in known.items():
            if isinstance(result, Exception):
                del self._kept[key]  # so that the next time it is tried again
                raise _refused("decode", self._codec, result)
            self._kept.move_to_end(key)
        missing = {key: payload for key, payload in zip(keys, payloads, strict=True) if key not in known}
        if missing:
            made = self._one("decode", partial(decode_with, self._codec, list(missing.values())))
            for key, payload in zip(missing, made, strict=True):
                known[key] = payload
                self._keep(key, payload)
        return [known[key] for key in keys]  # type: ignore[misc]  # exceptions were raised above

    def _keep(self, key: _Key, result: Payload | Exception) -> None:
        if key not in self._kept:
            self._kept_bytes += _size(key, result)
        self._kept[key] = result
        while self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= _size(*self._kept.popitem(last=False))

    # ---- calling

    def _one(self, what: What, call: Call) -> list[Payload]:
        try:
            result = self._call(what, [call])[0]
        except WorkflowTaskError:
            raise
        except Exception as error:
            result = error
        if isinstance(result, Exception):
            raise _refused(what, self._codec, result) from result
        return result

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
        if time.monotonic() < self._resting_until:
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
            self._resting_until = time.monotonic() + REST_SECONDS
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
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Exception):
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
    thread = threading.Thread(target=lambda: results.append(asyncio.run(gathered)), name="foldlog-codec", daemon=True)
    thread.start()
    thread.join(seconds)
    return cast("list[Any]", results[0]) if results else None


def _refused(what: What, codec: PayloadCodec, error: Exception) -> WorkflowTaskError:
    refused = WorkflowTaskError(f"{type(codec).__name__} cannot {what} a payload: {type(error).__name__}: {error}")
    refused.__cause__ = error
    return refused


def _key(payload: Payload) -> _Key:
    return payload.encoding, payload.data, tuple(sorted(payload.metadata.items()))


def _size(key: _Key, result: Payload | Exception) -> int:
    return 200 + len(key[1]) + (len(result.data) if isinstance(result, Payload) else 0)
