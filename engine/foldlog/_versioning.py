"""Versions of workflow code as users name them. Names and meanings follow Temporal's `temporalio.common`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import IntEnum
from typing import cast

from foldlog._option_types import check_option
from foldlog.schemas import common as records


class VersioningBehavior(IntEnum):
    """When a workflow moves to another version of its code. Names are the symbols in the log."""

    UNSPECIFIED = 0
    """Not said."""
    PINNED = 1
    """Never: each run stays on the version that it began on."""
    AUTO_UPGRADE = 2
    """Whenever another version becomes the current one; patches keep its history valid."""

    def to_record(self) -> records.VersioningBehavior:
        """As it is written to the log."""
        return cast(records.VersioningBehavior, self.name)


@dataclass(frozen=True)
class WorkerDeploymentVersion:
    """One version of the code of a deployment."""

    deployment_name: str
    build_id: str

    def to_canonical_string(self) -> str:
        """The version as `<deployment_name>.<build_id>`."""
        return f"{self.deployment_name}.{self.build_id}"

    @staticmethod
    def from_canonical_string(canonical: str) -> WorkerDeploymentVersion:
        """The version that a string names. A deployment's name has no dot; a build ID may.

        Raises:
            ValueError: There is no dot in it.
        """
        deployment_name, dot, build_id = canonical.partition(".")
        if not dot:
            raise ValueError(
                f"Cannot parse version string: {canonical}, must be in format <deployment_name>.<build_id>"
            )
        return WorkerDeploymentVersion(deployment_name, build_id)


class VersioningOverride(ABC):
    """Versioning of one workflow that differs from its definition's."""

    @abstractmethod
    def to_options(self) -> records.WorkflowOptions:
        """As it is written to the log: the versioning fields of a run's options."""


@dataclass(frozen=True)
class PinnedVersioningOverride(VersioningOverride):
    """The workflow runs on one version to its end, and so do the runs that follow it."""

    version: WorkerDeploymentVersion

    def __post_init__(self) -> None:
        check_option("version", self.version, WorkerDeploymentVersion)

    def to_options(self) -> records.WorkflowOptions:
        """See base class."""
        return records.WorkflowOptions(
            versioning_behavior="PINNED",
            deployment_version=self.version.to_canonical_string(),
            version_given=True,
            version_overridden=True,
        )


@dataclass(frozen=True)
class OneTimeVersioningOverride(VersioningOverride):
    """The workflow moves to a version, and from there on is bound as its definition in that version says.

    If that is AUTO_UPGRADE, it is on whichever version is current, as ever.
    """

    target_version: WorkerDeploymentVersion

    def __post_init__(self) -> None:
        check_option("target_version", self.target_version, WorkerDeploymentVersion)

    def to_options(self) -> records.WorkflowOptions:
        """See base class."""
        return records.WorkflowOptions(deployment_version=self.target_version.to_canonical_string())


@dataclass(frozen=True)
class AutoUpgradeVersioningOverride(VersioningOverride):
    """The workflow moves to whichever version is current."""

    def to_options(self) -> records.WorkflowOptions:
        """See base class."""
        return records.WorkflowOptions(versioning_behavior="AUTO_UPGRADE", version_given=True, version_overridden=True)
