"""What a workflow handle can do about the version of the code that its workflow runs on."""

from __future__ import annotations

from datetime import timedelta

from foldlog._option_types import check_option
from foldlog._random_ids import random_id
from foldlog.client._asking import Asking
from foldlog.client._types import NO_METADATA, RPCMetadata
from foldlog.common import VersioningOverride
from foldlog.schemas import command
from foldlog.schemas.common import WorkflowOptions
from foldlog.schemas.reply import Accepted


class VersioningOperations:
    """The part of a workflow handle that is about versions."""

    _asking: Asking
    _id: str
    _run_id: str | None
    _first_execution_run_id: str | None

    async def update_options(
        self,
        *,
        versioning_override: VersioningOverride | None,
        rpc_metadata: RPCMetadata = NO_METADATA,
        rpc_timeout: timedelta | None = None,
    ) -> None:
        """Moves the workflow to another version of its code, or binds it in another way. See `docs/versioning.md`.

        Its code is replayed on the new version before it goes on: it must fit the history. One that stalled because
        nobody hosts its version is tried again at once.

        Args:
            versioning_override: As for a start. None takes an override away: it stays where it is, bound as its
                definition there says.
            rpc_metadata: Taken for the sake of the other methods' signature.
            rpc_timeout: How long to wait for the answer.

        Raises:
            WorkflowNotFoundError: There is no such workflow, or it has ended.
            ConfigurationError: It is no override.
            InvalidArgumentError: There can be no such version.
            RPCError: There was no answer in time.
        """
        check_option("versioning_override", versioning_override, VersioningOverride | None)
        versioning = WorkflowOptions() if versioning_override is None else versioning_override.to_options()
        wanted = command.UpdateWorkflowOptions(
            request_id=random_id(),
            identity=self._asking.identity,
            run_id=self._run_id or "",
            first_execution_run_id=self._first_execution_run_id or "",
            versioning=versioning,
        )
        await self._asking.ask(self._id, wanted, Accepted, rpc_timeout)
