"""Headers on their way into commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foldlog.api.common.v1 import plain
from foldlog.common import HeaderCodecBehavior as HeaderCodecBehavior
from foldlog.converter import DataConverter
from foldlog.converter._codec import encode_each_with
from foldlog.schemas.command import StartWorkflow
from foldlog.schemas.common import Payload, WorkflowOptions


async def put(headers: Mapping[str, Payload], command: Any, converter: DataConverter, coded: bool) -> None:
    """Put headers on a command that is about to be sent.

    Args:
        headers: The headers; the command's own stay, where it has some by other names.
        command: Any command that can have headers.
        converter: Has the codec.
        coded: Whether they go through it.
    """
    header = {name: plain(payload) for name, payload in headers.items()}
    if coded and converter.payload_codec is not None:
        header = await encode_each_with(converter.payload_codec, header)
    if isinstance(command, StartWorkflow):
        options = command.options or WorkflowOptions()
        options.header = {**options.header, **header}
        command.options = options
        # What comes with the start has them too: the signal or the update that is sent with it.
        for with_start in (command.signal, command.update):
            if with_start is not None:
                with_start.header = {**with_start.header, **header}
    elif hasattr(command, "header"):
        command.header = {**command.header, **header}
