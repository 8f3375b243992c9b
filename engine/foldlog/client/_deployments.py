"""Deployments of workflow code: which version new runs begin on, and how many runs each version still has.

Owns the change of a deployment in all partitions, and the picture that their answers and the visibility rows make. What
a partition does with a deployment is the engine's matter.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from foldlog._option_types import check_arguments, check_option
from foldlog._times import utc
from foldlog.client._asking import Asking
from foldlog.client._convert import seconds
from foldlog.common import WorkerDeploymentVersion
from foldlog.core.versioning import MAXIMUM_EARLIER, build_of, canonical, check_deployment, order
from foldlog.exceptions import FailedPreconditionError, InvalidArgumentError, RPCError, RPCStatusCode
from foldlog.schemas.command import DescribeDeployments, SetDeployment
from foldlog.schemas.common import Deployment
from foldlog.schemas.reply import Deployments
from foldlog.schemas.visibility import WorkflowVisibility
from foldlog.transport import Namespaces
from foldlog.transport.topics import partition_of
from msgspec.structs import replace


class WorkerDeploymentVersionStatus(Enum):
    """What a version is there for."""

    INACTIVE = "new runs have never begun on it"
    CURRENT = "new runs begin on it"
    RAMPING = "a share of new runs begins on it"
    DRAINING = "no new runs begin on it, and open runs are pinned to it"
    DRAINED = "no new runs begin on it, and no open run is pinned to it: its code may go"


@dataclass(frozen=True, kw_only=True)
class WorkerDeploymentVersionDescription:
    """One version of a deployment."""

    version: WorkerDeploymentVersion
    status: WorkerDeploymentVersionStatus
    pinned_workflows: int
    """Open runs that are pinned to it."""
    auto_upgrade_workflows: int
    """Open runs that are on it for as long as it is current or ramping."""
    stalled_workflows: int
    """How many of both are stalled."""
    hosting_partitions: Sequence[int]
    """The partitions whose processors have its code. Where one is missing, runs of that partition stall."""


@dataclass(frozen=True, kw_only=True)
class WorkerDeploymentDescription:
    """A deployment as its partitions know it."""

    name: str
    current_version: WorkerDeploymentVersion | None
    """The version that new runs begin on; None: the own one of whichever worker has the partition."""
    ramping_version: WorkerDeploymentVersion | None
    """The version that a share of them begins on instead."""
    ramping_percentage: float
    changed_time: datetime | None
    """When that was set last; None: never."""
    identity: str
    """By whom."""
    versions: Sequence[WorkerDeploymentVersionDescription]
    """All versions that are set, hosted, or have open runs, and those that were current before."""
    partitions: int
    behind: Sequence[int]
    """Partitions that have not heard of the last change, because whoever made it broke off: make it again."""


class DeploymentHandle:
    """One deployment. Made by `Client.deployment`.

    A deployment is known to the partitions, each of which keeps its own copy: a change is sent to all of them, and is
    done when all have answered.
    """

    def __init__(self, name: str, asking: Asking) -> None:
        """Private: made by the client."""
        self.name = name
        self._asking = asking

    async def set_current_version(
        self, build_id: str | None, *, allow_missing: bool = False, rpc_timeout: timedelta | None = None
    ) -> WorkerDeploymentDescription:
        """Let new runs begin on a version, and move the runs with AUTO_UPGRADE there.

        If it was the ramping one, the ramp ends.

        Args:
            build_id: The build; None: new runs begin on the own version of whichever worker has the partition.
            allow_missing: Whether partitions may be without its code. Their runs stall until a worker has it.
            rpc_timeout: For each partition's answer; None: the client's.

        Raises:
            ConfigurationError: Something has another type than it must have.
            InvalidArgumentError: There can be no such build.
            FailedPreconditionError: Not all partitions have its code.
            RPCError: Not all partitions have answered. Some may have taken the change: make it again. Or there is no
                such deployment (NOT_FOUND), and no build was given.
        """
        check_arguments(DeploymentHandle.set_current_version, locals())
        build_id = build_id or ""

        def changed(known: Deployment) -> None:
            if known.ramping_build_id == build_id:
                known.ramping_build_id, known.ramping_percentage = "", 0.0
            known.current_build_id = build_id

        return await self._change(changed, build_id, allow_missing, rpc_timeout)

    async def set_ramping_version(
        self,
        build_id: str | None,
        percentage: float,
        *,
        allow_missing: bool = False,
        rpc_timeout: timedelta | None = None,
    ) -> WorkerDeploymentDescription:
        """Let a share of new runs begin on a version, and move that share of the runs with AUTO_UPGRADE there.

        Which workflow IDs belong to the share follows from the IDs alone; a larger one has all those of a smaller one.

        Args:
            build_id: The build; None ends the ramp.
            percentage: How large the share is, from 0 to 100.
            allow_missing: Whether partitions may be without its code. Their runs of the share stall until a worker has
                it.
            rpc_timeout: For each partition's answer; None: the client's.

        Raises:
            ConfigurationError: Something has another type than it must have.
            InvalidArgumentError: There can be no such ramp.
            FailedPreconditionError: Not all partitions have its code.
            RPCError: Not all partitions have answered. Some may have taken the change: make it again. Or there is no
                such deployment (NOT_FOUND), and no build was given.
        """
        check_arguments(DeploymentHandle.set_ramping_version, locals())

        def changed(known: Deployment) -> None:
            known.ramping_build_id = build_id or ""
            known.ramping_percentage = percentage if build_id else 0.0

        return await self._change(changed, build_id, allow_missing, rpc_timeout)

    async def describe(self, *, rpc_timeout: timedelta | None = None) -> WorkerDeploymentDescription:
        """The deployment and its versions.

        Asks all partitions and reads the whole visibility topic: for people and scripts.

        Args:
            rpc_timeout: For each partition's answer; None: the client's.

        Raises:
            RPCError: There is no such deployment (NOT_FOUND): it was never set, no worker that has partitions is of it,
                and neither is an open run. Or not all partitions have answered.
        """
        answers = await ask_all(self._asking, lambda: DescribeDeployments(identity=self._asking.identity), rpc_timeout)
        found = await self._described(answers)
        if self.name not in names_of(answers) and not found.versions:
            raise self._missing()
        return found

    def _missing(self) -> RPCError:
        return RPCError(
            f"there is no deployment {self.name!r}: it was never set, and no worker that runs is of it",
            RPCStatusCode.NOT_FOUND,
        )

    async def _change(
        self,
        change: Callable[[Deployment], None],
        build_id: str | None,
        allow_missing: bool,
        rpc_timeout: timedelta | None,
    ) -> WorkerDeploymentDescription:
        identity = self._asking.identity
        answers = await ask_all(self._asking, lambda: DescribeDeployments(identity=identity), rpc_timeout)
        if not build_id and self.name not in names_of(answers):
            raise self._missing()  # a build may make one; taking back what was never said may not
        known = newest(self.name, answers)
        wanted = replace(
            known,
            revision=known.revision + 1,
            change_id=uuid.uuid4().hex,
            changed_ms=time.time_ns() // 1_000_000,
            identity=identity,
        )
        change(wanted)
        wanted.earlier_build_ids = _earlier(known, wanted)
        try:
            check_deployment(wanted)
        except ValueError as error:
            raise InvalidArgumentError(str(error)) from error
        version = canonical(self.name, build_id or "")
        missing = [str(number) for number, answer in enumerate(answers) if version not in answer.hosted]
        if build_id and missing and not allow_missing:
            raise FailedPreconditionError(
                f"build {build_id!r} is not hosted by partitions {', '.join(missing)}: roll out workers that have it "
                "first, or set allow_missing"
            )
        return await self._described(
            await ask_all(self._asking, lambda: SetDeployment(identity=identity, deployment=wanted), rpc_timeout)
        )

    async def _described(self, answers: Sequence[Deployments]) -> WorkerDeploymentDescription:
        known = newest(self.name, answers)
        hosts: dict[str, list[int]] = {}
        own: set[str] = set()
        for partition, answer in enumerate(answers):
            builds = [_build_id(version, self.name) for version in answer.hosted]
            for build_id in filter(None, builds):
                hosts.setdefault(build_id, []).append(partition)
            if builds and builds[0]:
                own.add(builds[0])
        open_runs = await self._open_runs(known, answers)
        names = {*hosts, *known.earlier_build_ids, known.current_build_id, known.ramping_build_id}
        names |= {build_id for build_id, _ in open_runs}
        current = {known.current_build_id} if known.current_build_id else own
        return WorkerDeploymentDescription(
            name=self.name,
            current_version=self._version(known.current_build_id),
            ramping_version=self._version(known.ramping_build_id),
            ramping_percentage=known.ramping_percentage,
            changed_time=utc(known.changed_ms) if known.revision else None,
            identity=known.identity,
            versions=[
                WorkerDeploymentVersionDescription(
                    version=WorkerDeploymentVersion(self.name, build_id),
                    status=_status(build_id, known, current, open_runs[build_id, "PINNED"]),
                    pinned_workflows=open_runs[build_id, "PINNED"],
                    auto_upgrade_workflows=open_runs[build_id, "AUTO_UPGRADE"],
                    stalled_workflows=open_runs[build_id, "stalled"],
                    hosting_partitions=hosts.get(build_id, []),
                )
                for build_id in sorted(filter(None, names))
            ],
            partitions=len(answers),
            behind=[
                number for number, answer in enumerate(answers) if order(newest(self.name, [answer])) < order(known)
            ],
        )

    async def _open_runs(self, known: Deployment, answers: Sequence[Deployments]) -> Counter[tuple[str, str]]:
        """How many open runs each build has, by how they are versioned."""

        def matches(row: WorkflowVisibility) -> bool:
            return row.status == "RUNNING" and bool(row.versioning_behavior)

        found: Counter[tuple[str, str]] = Counter()
        for row in await self._asking.transport.visibility(matches):
            if row.versioning_behavior == "PINNED":
                build_id = _build_id(row.deployment_version, self.name)
            else:
                # It is where its partition's processor puts it, which is of one deployment.
                hosted = answers[row.partition].hosted if 0 <= row.partition < len(answers) else []
                own = _build_id(hosted[0], self.name) if hosted else ""
                build_id = own and (build_of(known, row.workflow_id) or own)
            if build_id:
                found[build_id, row.versioning_behavior] += 1
                found[build_id, "stalled"] += bool(row.stalled_error)
        return found

    def _version(self, build_id: str) -> WorkerDeploymentVersion | None:
        return WorkerDeploymentVersion(self.name, build_id) if build_id else None


async def ask_all(
    asking: Asking, command: Callable[[], DescribeDeployments | SetDeployment], rpc_timeout: timedelta | None
) -> list[Deployments]:
    """The answers of all partitions, in their order.

    Args:
        asking: How to ask.
        command: Makes the question anew for each partition.
        rpc_timeout: For each answer.

    Raises:
        RPCError: One has not answered, or refuses.
    """
    if isinstance(asking.transport, Namespaces):
        # Before, it does not know how many partitions there are.
        await asking.transport.opened(asking.timeout if rpc_timeout is None else seconds(rpc_timeout))
    keys = keys_of_partitions(asking.transport.partitions)
    return await asyncio.gather(*(asking.ask(key, command(), Deployments, rpc_timeout) for key in keys))


def keys_of_partitions(count: int) -> list[str]:
    """For each partition, a key that belongs there."""
    keys: dict[int, str] = {}
    number = 0
    while len(keys) < count:
        key = f"deployments-{number}"
        keys.setdefault(partition_of(key, count), key)
        number += 1
    return [keys[partition] for partition in range(count)]


def newest(name: str, answers: Iterable[Deployments]) -> Deployment:
    """The last known state of a deployment."""
    found = [known for answer in answers for known in answer.deployments if known.deployment_name == name]
    return max(found, key=order, default=Deployment(deployment_name=name, revision=0, change_id=""))


def names_of(answers: Iterable[Deployments]) -> list[str]:
    """The names of all deployments that are set or hosted."""
    names = {known.deployment_name for answer in answers for known in answer.deployments}
    return sorted(names | {version.partition(".")[0] for answer in answers for version in answer.hosted})


def _earlier(known: Deployment, wanted: Deployment) -> list[str]:
    """The builds that were current or ramping before a change and are not after it, the latest last."""
    now = {wanted.current_build_id, wanted.ramping_build_id, ""}
    builds = dict.fromkeys([*known.earlier_build_ids, known.ramping_build_id, known.current_build_id])
    return [build_id for build_id in builds if build_id not in now][-MAXIMUM_EARLIER:]


def _build_id(version: str, name: str) -> str:
    """The build ID of a version of a deployment; empty: it is of another one, or none."""
    deployment_name, _, build_id = version.partition(".")
    return build_id if deployment_name == name else ""


def _status(build_id: str, known: Deployment, current: set[str], pinned: int) -> WorkerDeploymentVersionStatus:
    if build_id in current:
        return WorkerDeploymentVersionStatus.CURRENT
    if build_id == known.ramping_build_id:
        return WorkerDeploymentVersionStatus.RAMPING
    if pinned:
        return WorkerDeploymentVersionStatus.DRAINING
    if build_id in known.earlier_build_ids:
        return WorkerDeploymentVersionStatus.DRAINED
    return WorkerDeploymentVersionStatus.INACTIVE


class ClientDeployments:
    """The part of a client that is about deployments."""

    _asking: Asking

    def deployment(self, name: str) -> DeploymentHandle:
        """A deployment of workflow code: see `docs/versioning.md`.

        Args:
            name: The `deployment_name` of its workers.

        Raises:
            ConfigurationError: It is no text.
        """
        check_option("name", name, str)
        return DeploymentHandle(name, self._asking)

    async def list_deployments(self, *, rpc_timeout: timedelta | None = None) -> Sequence[str]:
        """The names of the deployments that are set, or whose workers have partitions.

        Raises:
            RPCError: Not all partitions have answered.
        """
        asking = self._asking
        return names_of(await ask_all(asking, lambda: DescribeDeployments(identity=asking.identity), rpc_timeout))
