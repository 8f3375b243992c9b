"""Versions of the workflow code: which one a run begins on, and which one it is on when its code runs.

Owns the deployments as one partition knows them, and what follows from them for a run. A version is named by
`<deployment>.<build ID>`. What the start of a run decides is in its first event; whether its code is at hand is the
factory's matter. A run without versioning costs nothing here.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Protocol, cast, runtime_checkable

from foldlog.core import decisions
from foldlog.core.decider import Decider, DeciderFactory, VersionNotHostedError, WorkflowTaskError
from foldlog.core.decisions import Decision
from foldlog.core.state import Run
from foldlog.schemas.common import ContinueInitiator, Deployment, VersioningBehavior, WorkflowOptions
from foldlog.schemas.event import WorkflowExecutionStarted
from foldlog.schemas.reply import Description
from msgspec.structs import replace

NO_OPTIONS = WorkflowOptions()
INVALID_OVERRIDE = "InvalidVersioningOverride"
"""Type of the failure of a child whose versioning override cannot be."""
MAXIMUM_NAME = 200
"""Characters of a deployment's name, and of a build ID."""
MAXIMUM_EARLIER = 100
"""So many builds are remembered that were current or ramping before."""


@runtime_checkable
class VersionedFactory(DeciderFactory, Protocol):
    """A factory that has the code of some versions."""

    @property
    def hosted(self) -> Sequence[str]:
        """The versions that it has the code of, its own first; empty: its workers are not versioned."""

    def behavior(self, workflow_type: str, version: str) -> VersioningBehavior:
        """How a workflow type is versioned in a version that it has; UNSPECIFIED also for an unknown type."""

    def create_version(self, workflow_id: str, started: WorkflowExecutionStarted, version: str) -> Decider:
        """As `create`, with the code of a version that it has."""


def canonical(deployment_name: str, build_id: str) -> str:
    """The name of a version."""
    return f"{deployment_name}.{build_id}"


def split(version: str) -> tuple[str, str]:
    """Deployment name and build ID of a version.

    Raises:
        ValueError: It is none.
    """
    deployment_name, dot, build_id = version.partition(".")
    if not dot or not deployment_name or not build_id:
        raise ValueError(f"{version!r} is no version: it must be <deployment name>.<build ID>")
    return deployment_name, build_id


def check_options(options: WorkflowOptions) -> None:
    """Refuse versioning that cannot be.

    Raises:
        WorkflowTaskError: It cannot; the message says why.
    """
    if options.versioning_behavior == "PINNED" or (
        options.versioning_behavior == "UNSPECIFIED" and options.deployment_version
    ):
        try:
            split(options.deployment_version)
        except ValueError as error:
            raise WorkflowTaskError(f"versioning_override: {error}") from error
    elif options.deployment_version:
        raise WorkflowTaskError("versioning_override: only a pinned workflow has a version")


def is_valid(options: WorkflowOptions | None) -> bool:
    """Whether versioning can be as options say."""
    try:
        check_options(options or NO_OPTIONS)
    except WorkflowTaskError:
        return False
    return True


def check_deployment(deployment: Deployment) -> None:
    """Refuse a deployment that cannot be.

    Raises:
        ValueError: It cannot; the message says why.
    """
    name = deployment.deployment_name
    if not name or "." in name or len(name) > MAXIMUM_NAME:
        raise ValueError(f"a deployment's name has 1 to {MAXIMUM_NAME} characters and no dot: {name!r}")
    for build_id in (deployment.current_build_id, deployment.ramping_build_id):
        if len(build_id) > MAXIMUM_NAME:
            raise ValueError(f"a build ID has at most {MAXIMUM_NAME} characters: {build_id!r}")
    percentage = deployment.ramping_percentage
    if not math.isfinite(percentage) or not 0 <= percentage <= 100:
        raise ValueError(f"a ramp is 0 to 100 percent, not {percentage}")
    if percentage and not deployment.ramping_build_id:
        raise ValueError("a ramp needs the build that it leads to")
    if deployment.ramping_build_id and deployment.ramping_build_id == deployment.current_build_id:
        raise ValueError(f"build {deployment.current_build_id!r} is current: nothing is ramped to it")


def order(deployment: Deployment) -> tuple[int, str]:
    """Of two states of a deployment, the one for which this is greater is the newer one."""
    return deployment.revision, deployment.change_id


def build_of(deployment: Deployment | None, workflow_id: str) -> str:
    """The build that runs of a workflow ID begin on, and that those with AUTO_UPGRADE are on; empty: none is set."""
    if deployment is None:
        return ""
    if deployment.ramping_build_id and share_of(workflow_id) < deployment.ramping_percentage / 100:
        return deployment.ramping_build_id
    return deployment.current_build_id


def share_of(workflow_id: str) -> float:
    """Where a workflow ID is between 0 and 1: the same always, and IDs are spread evenly."""
    digest = hashlib.blake2b(workflow_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / (1 << 64)


def not_hosted(factory: DeciderFactory, deployments: Iterable[Deployment]) -> str:
    """What to tell of versions that workflows are to be on now and whose code a process does not have; empty: none."""
    if getattr(factory, "without_code", False):
        return ""
    hosted = factory.hosted if isinstance(factory, VersionedFactory) else ()
    wanted = {
        canonical(deployment.deployment_name, build_id)
        for deployment in deployments
        for build_id in (deployment.current_build_id, deployment.ramping_build_id)
        if build_id
    }
    missing = sorted(wanted.difference(hosted))
    if not missing:
        return ""
    has = f"has {', '.join(map(repr, hosted))}" if hosted else "is not versioned"
    return (
        f"workflows of this namespace are to be on version {' or '.join(map(repr, missing))}, and this worker {has}: "
        "those in its partitions stall. Workers share workflows by partition, not by version, so each must have all "
        "versions that are in use: its own, and the others by earlier_versions"
    )


class Versions:
    """The versions of one partition's runs."""

    def __init__(self, factory: DeciderFactory, deployments: Iterable[Deployment] = ()) -> None:
        """Make an object.

        Args:
            factory: Makes the code of runs.
            deployments: Those that the partition's log knows of.
        """
        self.factory = factory
        """Makes the code of runs."""
        self._hosting: VersionedFactory | None = None
        if isinstance(factory, VersionedFactory) and factory.hosted:
            self._hosting = factory
        self._committed = {deployment.deployment_name: deployment for deployment in deployments}
        self._deployments = dict(self._committed)
        self.changed = False
        """A deployment was changed in the open transaction."""

    # ---- deployments

    @property
    def hosted(self) -> Sequence[str]:
        """The versions that this process has the code of, its own first."""
        return self._hosting.hosted if self._hosting is not None else ()

    @property
    def deployments(self) -> list[Deployment]:
        """All that are known, in order of their names."""
        return [deployment for _, deployment in sorted(self._deployments.items())]

    def change(self, deployment: Deployment) -> bool:
        """Take a deployment as it is to be.

        Returns:
            Whether it is news. What is older than what is known changes nothing.
        """
        known = self._deployments.get(deployment.deployment_name)
        if known is not None and order(known) >= order(deployment):
            return False
        self._deployments[deployment.deployment_name] = deployment
        self.changed = True
        return True

    def committed(self) -> None:
        """The transaction is committed."""
        if self.changed:
            self._committed = dict(self._deployments)
            self.changed = False

    def aborted(self) -> None:
        """The transaction is thrown away."""
        if self.changed:
            self._deployments = dict(self._committed)
            self.changed = False

    # ---- what is decided for a run

    def of_start(
        self, workflow_id: str, workflow_type: str, options: WorkflowOptions | None, *, ramping: bool = False
    ) -> WorkflowOptions | None:
        """The options of a run that begins, with its versioning decided.

        Args:
            workflow_id: The workflow.
            workflow_type: Its type.
            options: Its options.
            ramping: Whether it is to begin on the ramping version, if there is one.
        """
        if options is not None and options.versioning_behavior != "UNSPECIFIED":
            return options if options.version_given else replace(options, version_given=True)
        if options is not None and options.deployment_version:
            return self._once(workflow_type, options)
        if self._hosting is None:
            return options
        version = self._target(workflow_id, ramping)
        known = version if version in self._hosting.hosted else self._hosting.hosted[0]
        behavior = self._hosting.behavior(workflow_type, known)
        if behavior == "UNSPECIFIED":
            return options
        return replace(
            options or NO_OPTIONS,
            versioning_behavior=behavior,
            deployment_version=version if behavior == "PINNED" else "",
        )

    def _once(self, workflow_type: str, options: WorkflowOptions) -> WorkflowOptions | None:
        """The options of a run that begins on a version, and is bound there as that version's definition says."""
        version, rest = options.deployment_version, replace(options, deployment_version="")
        behavior: VersioningBehavior = "UNSPECIFIED"
        if self._hosting is not None:
            hosted = version in self._hosting.hosted
            behavior = self._hosting.behavior(workflow_type, version) if hosted else "PINNED"
        if behavior == "PINNED":
            return replace(rest, versioning_behavior="PINNED", deployment_version=version)
        if behavior == "AUTO_UPGRADE":
            return replace(rest, versioning_behavior="AUTO_UPGRADE")
        return None if rest == NO_OPTIONS else rest

    def of_change(self, run: Run, wanted: WorkflowOptions) -> WorkflowOptions:
        """The versioning of an open run that is to be changed; nothing else of the options counts.

        Raises:
            WorkflowTaskError: It cannot be so; the message says why.
        """
        check_options(wanted)
        behavior, version = wanted.versioning_behavior, wanted.deployment_version
        if behavior == "UNSPECIFIED":
            version = version or self.of(run)
        given = WorkflowOptions(
            versioning_behavior=behavior, deployment_version=version, version_overridden=behavior != "UNSPECIFIED"
        )
        decided = self.of_start(run.workflow_id, run.started.workflow_type, None if given == NO_OPTIONS else given)
        return decided or NO_OPTIONS

    def of_following(
        self,
        run: Run,
        workflow_type: str,
        options: WorkflowOptions | None,
        initiator: ContinueInitiator,
        *,
        upgrade: bool = False,
        ramping: bool = False,
    ) -> WorkflowOptions | None:
        """The options of a run that follows another. As in Temporal, an override that pins stays in any case.

        Args:
            run: The one before.
            workflow_type: Type of the new run.
            options: Its options, with the versioning of the one before.
            initiator: Why it follows.
            upgrade: Whether it is to leave the version that the one before is pinned to.
            ramping: Whether it is to begin on the ramping version, if there is one.
        """
        if options is None or options.versioning_behavior == "UNSPECIFIED":
            return self.of_start(run.workflow_id, workflow_type, options, ramping=ramping)
        pinned = options.versioning_behavior == "PINNED"
        if self._hosting is None or (pinned and options.version_overridden):
            return options
        if pinned and initiator == "RETRY" and options.version_given:
            return options
        if pinned and initiator == "WORKFLOW" and not upgrade and not self._moves(run, workflow_type, options):
            deployment = self._deployment
            declined = deployment.revision if deployment and self.target_changed(run) else options.declined_revision
            return replace(options, version_given=True, declined_revision=declined)
        undecided = replace(
            options,
            versioning_behavior="UNSPECIFIED",
            deployment_version="",
            version_given=False,
            version_overridden=False,
            declined_revision=0,
        )
        return self.of_start(run.workflow_id, workflow_type, undecided, ramping=ramping)

    def _moves(self, run: Run, workflow_type: str, options: WorkflowOptions) -> bool:
        """Whether a run that follows another with these options is of another type, which their version does not pin.

        The same type stays pinned, whatever its definition says: the code may have pinned the run when it had begun.
        """
        if workflow_type == run.started.workflow_type:
            return False
        version = options.deployment_version
        return version in self.hosted and self._behavior(workflow_type, version) == "AUTO_UPGRADE"

    def inherit(self, run: Run, made: Sequence[Decision], namespace: str) -> None:
        """Give the version that a run is pinned to to children that it asks for, whose code that version has.

        What pins the run by an override pins them so, too; otherwise only those are that are pinned by themselves.
        """
        options = run.started.options
        if self._hosting is None or options is None or options.versioning_behavior != "PINNED":
            return
        version = options.deployment_version
        for decision in made:
            if type(decision) is not decisions.StartChildWorkflow or decision.namespace not in ("", namespace):
                continue
            given = decision.options or NO_OPTIONS
            if given.versioning_behavior != "UNSPECIFIED" or given.deployment_version:
                continue
            behavior = self._behavior(decision.workflow_type, version)
            if behavior == "PINNED" or (options.version_overridden and behavior == "AUTO_UPGRADE"):
                decision.options = replace(
                    given,
                    versioning_behavior="PINNED",
                    deployment_version=version,
                    version_overridden=options.version_overridden,
                )

    def of_code(self, run: Run, decider: Decider) -> WorkflowOptions | None:
        """The versioning of a run as its code wants it, now that it has begun; None: as it is."""
        options, behavior = run.started.options, decider.versioning_behavior
        if options is None or options.version_overridden or behavior in ("UNSPECIFIED", options.versioning_behavior):
            return None
        if options.versioning_behavior == "UNSPECIFIED":
            return None
        return WorkflowOptions(
            versioning_behavior=behavior, deployment_version=self.of(run) if behavior == "PINNED" else ""
        )

    def target_changed(self, run: Run) -> bool:
        """Whether new runs begin on another version than a run is pinned to, and none before it has declined that.

        One that is pinned by an override is where whoever gave that wants it to be.
        """
        options, deployment = run.started.options, self._deployment
        if options is None or options.versioning_behavior != "PINNED" or options.version_overridden:
            return False
        if deployment is None or deployment.revision <= options.declined_revision:
            return False
        build_id = build_of(deployment, run.workflow_id)
        return bool(build_id) and canonical(deployment.deployment_name, build_id) != options.deployment_version

    # ---- where a run is

    def of(self, run: Run) -> str:
        """The version that the code of a run is to be of now; empty: whichever this process has."""
        options = run.started.options
        if options is None or options.versioning_behavior == "UNSPECIFIED":
            return ""
        if options.versioning_behavior == "PINNED":
            return options.deployment_version
        return self._target(run.workflow_id) if self._hosting is not None else self._set_anywhere(run.workflow_id)

    def _set_anywhere(self, workflow_id: str) -> str:
        """As `_target` where no code here is versioned: it must not run what is of a version."""
        found = [
            (deployment.changed_ms, canonical(deployment.deployment_name, build_id))
            for deployment in self._deployments.values()
            if (build_id := build_of(deployment, workflow_id))
        ]
        return max(found)[1] if found else ""

    def describe(self, run: Run, found: Description) -> None:
        """Complete the description of a run: the version that it is on, and that this process does not have it.

        One that nothing has come for since has not stalled yet, and yet its code cannot go on.
        """
        version = found.deployment_version = self.of(run)
        if version and version not in self.hosted and run.is_open and not found.stalled_error:
            found.stalled_error = self._not_hosted(run, version)

    def create(self, run: Run) -> Decider:
        """The code of a run, not activated yet.

        Raises:
            WorkflowTaskError: Its version, or its type in that version, is not in this process.
        """
        version = self.of(run)
        if not version:
            return self.factory.create(run.workflow_id, run.started)
        if version not in self.hosted:
            raise VersionNotHostedError(self._not_hosted(run, version))
        hosting = cast(VersionedFactory, self._hosting)
        decider = hosting.create_version(run.workflow_id, run.started, version)
        decider.target_changed = partial(self.target_changed, run)
        return decider

    def _not_hosted(self, run: Run, version: str) -> str:
        options = run.started.options
        pinned = options is not None and options.versioning_behavior == "PINNED"
        why = f"is pinned to version {version!r}" if pinned else f"moves with its deployment, which is at {version!r}"
        has = f"has the versions {', '.join(map(repr, self.hosted))}" if self.hosted else "is not versioned"
        return (
            f"the workflow {why}, and the worker that has its partition {has}: run a worker that hosts {version!r} "
            "(its own version, or earlier_versions)"
        )

    def _target(self, workflow_id: str, ramping: bool = False) -> str:
        known = self._deployment
        build_id = (known.ramping_build_id if known and ramping else "") or build_of(known, workflow_id)
        return canonical(known.deployment_name, build_id) if known and build_id else self.hosted[0]

    @property
    def _deployment(self) -> Deployment | None:
        """That of the code of this process; None: it has none, or nothing is known of it."""
        return self._deployments.get(self.hosted[0].partition(".")[0]) if self._hosting is not None else None

    def _behavior(self, workflow_type: str, version: str) -> VersioningBehavior:
        return cast(VersionedFactory, self._hosting).behavior(workflow_type, version)
