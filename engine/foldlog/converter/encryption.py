"""Encryption of payloads with AES-GCM: `pip install "foldlog[encryption]"`.

`AESGCMCodec` encrypts with keys that the program has. `EnvelopeCodec` encrypts with data keys of its own, which a key
provider wraps by a key that never leaves it, such as that of a key management service. What either writes names the key
by an ID, so keys can be rotated: new payloads take the current one, old ones stay readable as long as theirs is known.
"""

from __future__ import annotations

import os
import threading
import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from foldlog.api.common.v1 import Payload
from foldlog.converter._codec import PayloadCodec
from foldlog.exceptions import PayloadConversionError
from foldlog.schemas import common as records

__all__ = ["AESGCMCodec", "EnvelopeCodec", "KeyProvider", "LocalKeyProvider"]

NONCE_BYTES = 12
KEY_ID = "encryption-key-id"
WRAPPED_KEY = "encryption-wrapped-key"
ENCRYPTED = "binary/encrypted"
"""As the samples of Temporal's SDKs have it: nonce, cipher text and tag of the payload as a protobuf message."""
ENVELOPE = "binary/envelope-encrypted"
KEPT_DATA_KEYS = 4096
"""Unwrapped data keys that are kept for reading."""


class AESGCMCodec(PayloadCodec):
    """Encrypts whole payloads with AES-GCM and a key of the program's."""

    may_wait = False

    def __init__(self, keys: Mapping[str, bytes], current: str | None = None) -> None:
        """Make one.

        Args:
            keys: Keys of 16, 24 or 32 bytes, by their IDs. IDs stand in the log, and may be seen.
            current: The ID of the one to encrypt with; None: the last one given.

        Raises:
            ValueError: There is no key, or one has another length.
        """
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = _current(keys, current)

    async def encode(self, payloads: Sequence[Payload]) -> list[records.Payload]:
        """See base class."""
        cipher = self._ciphers[self._current]
        metadata = {KEY_ID: self._current.encode()}
        return [
            records.Payload(encoding=ENCRYPTED, data=_encrypted(cipher, payload, None), metadata=dict(metadata))
            for payload in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[records.Payload]:
        """See base class."""
        return [self._decoded(payload) if payload.encoding == ENCRYPTED else payload for payload in payloads]

    def _decoded(self, payload: Payload) -> records.Payload:
        key_id = payload.metadata.get(KEY_ID, b"").decode()
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise PayloadConversionError(f"a payload is encrypted with key {key_id!r}, which is not known here")
        return _decrypted(cipher, payload, None, key_id)


class KeyProvider(ABC):
    """Wraps and unwraps data keys, with keys that only it knows."""

    may_wait: bool = True
    """False promises that it never waits for anything, and may be called from several threads."""

    @abstractmethod
    async def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """Encrypt a data key with the current key.

        Returns:
            The ID of the key, and the data key as it may be written to the log.
        """

    @abstractmethod
    async def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """Undo `wrap`.

        Raises:
            PayloadConversionError: The key is not known, or not this one.
        """


class LocalKeyProvider(KeyProvider):
    """A key provider that has its keys in memory."""

    may_wait = False

    def __init__(self, keys: Mapping[str, bytes], current: str | None = None) -> None:
        """Make one.

        Args:
            keys: Keys of 16, 24 or 32 bytes, by their IDs.
            current: The ID of the one to wrap with; None: the last one given.

        Raises:
            ValueError: There is no key, or one has another length.
        """
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = _current(keys, current)

    async def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """See base class."""
        nonce = os.urandom(NONCE_BYTES)
        wrapped = self._ciphers[self._current].encrypt(nonce, data_key, self._current.encode())
        return self._current, nonce + wrapped

    async def unwrap(self, key_id: str, wrapped: bytes) -> bytes:
        """See base class."""
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise PayloadConversionError(f"a data key is wrapped with key {key_id!r}, which is not known here")
        try:
            return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], key_id.encode())
        except (InvalidTag, ValueError) as error:
            raise PayloadConversionError(f"a data key was not wrapped with this key {key_id!r}") from error


class _DataKey(NamedTuple):
    """A data key to encrypt with."""

    cipher: AESGCM
    key_id: str
    wrapped: bytes
    expires: float


class EnvelopeCodec(PayloadCodec):
    """Encrypts each payload with a data key, and puts that beside it, wrapped by a key provider."""

    def __init__(self, provider: KeyProvider, *, data_key_uses: int = 1000, data_key_seconds: float = 300.0) -> None:
        """Make one.

        Args:
            provider: Wraps the data keys.
            data_key_uses: Payloads that are encrypted with one data key; 1: each has its own, at a call of the provider
                each.
            data_key_seconds: A data key is used no longer.

        Raises:
            ValueError: A data key is never to be used.
        """
        if data_key_uses < 1 or data_key_seconds <= 0:
            raise ValueError("a data key is used at least once")
        self.may_wait = provider.may_wait
        self._provider = provider
        self._uses = data_key_uses
        self._seconds = data_key_seconds
        self._lock = threading.Lock()
        self._writing: _DataKey | None = None
        self._uses_left = 0
        self._reading: OrderedDict[tuple[str, bytes], AESGCM] = OrderedDict()

    async def encode(self, payloads: Sequence[Payload]) -> list[records.Payload]:
        """See base class."""
        encoded = []
        for payload in payloads:
            key = self._take() or await self._new_key()
            metadata = {KEY_ID: key.key_id.encode(), WRAPPED_KEY: key.wrapped}
            data = _encrypted(key.cipher, payload, _bound(key.key_id, key.wrapped))
            encoded.append(records.Payload(encoding=ENVELOPE, data=data, metadata=metadata))
        return encoded

    async def decode(self, payloads: Sequence[Payload]) -> list[records.Payload]:
        """See base class."""
        return [await self._decoded(payload) if payload.encoding == ENVELOPE else payload for payload in payloads]

    def _take(self) -> _DataKey | None:
        """One use of the data key at hand; None: there is none left."""
        with self._lock:
            if self._writing is None or not self._uses_left or time.monotonic() > self._writing.expires:
                return None
            self._uses_left -= 1
            return self._writing

    async def _new_key(self) -> _DataKey:
        data_key = AESGCM.generate_key(bit_length=256)
        key_id, wrapped = await self._provider.wrap(data_key)
        made = _DataKey(AESGCM(data_key), key_id, wrapped, time.monotonic() + self._seconds)
        with self._lock:
            self._writing, self._uses_left = made, self._uses - 1
        self._keep((key_id, wrapped), made.cipher)
        return made

    async def _decoded(self, payload: Payload) -> records.Payload:
        key_id = payload.metadata.get(KEY_ID, b"").decode()
        wrapped = payload.metadata.get(WRAPPED_KEY, b"")
        with self._lock:
            cipher = self._reading.get((key_id, wrapped))
        if cipher is None:
            try:
                cipher = AESGCM(await self._provider.unwrap(key_id, wrapped))
            except ValueError as error:
                raise PayloadConversionError(f"what key {key_id!r} unwraps is no AES key: {error}") from error
            self._keep((key_id, wrapped), cipher)
        return _decrypted(cipher, payload, _bound(key_id, wrapped), key_id)

    def _keep(self, key: tuple[str, bytes], cipher: AESGCM) -> None:
        with self._lock:
            self._reading[key] = cipher
            self._reading.move_to_end(key)
            if len(self._reading) > KEPT_DATA_KEYS:
                self._reading.popitem(last=False)


def _current(keys: Mapping[str, bytes], current: str | None) -> str:
    if not keys:
        raise ValueError("encryption needs a key")
    if current is None:
        return list(keys)[-1]
    if current not in keys:
        raise ValueError(f"the current key {current!r} is not among the keys {sorted(keys)}")
    return current


def _bound(key_id: str, wrapped: bytes) -> bytes:
    """What a cipher text is bound to, so that nobody can put it beside another key."""
    return key_id.encode() + b"\0" + wrapped


def _encrypted(cipher: AESGCM, payload: Payload, bound: bytes | None) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, payload.SerializeToString(), bound)


def _decrypted(cipher: AESGCM, payload: Payload, bound: bytes | None, key_id: str) -> records.Payload:
    try:
        data = cipher.decrypt(payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:], bound)
        return Payload.FromString(data)
    except (InvalidTag, ValueError) as error:
        raise PayloadConversionError(
            f"a payload encrypted with key {key_id!r} cannot be decrypted: it was changed, or the key is another one"
        ) from error
