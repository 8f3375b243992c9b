"""The only module that imports jgo: Maven coordinates in, files out.

Owns the translation between the lock file's terms and jgo's. jgo speaks to the repository through ``requests``, so
HTTPS_PROXY, REQUESTS_CA_BUNDLE and their like apply.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._lock import LockedArtifact, sha256_of
from .exceptions import ArtifactUnavailableError, MissingExtraError

if TYPE_CHECKING:
    from jgo.maven import MavenContext

REPOSITORY_VARIABLE = "FOLDLOG_MAVEN_REPOSITORY"
_REQUEST_TIMEOUT_S = 30


@dataclass(frozen=True, kw_only=True)
class Root:
    """What a set of artifacts is resolved from: one file of a Maven repository.

    Attributes:
        transitive: Whether the dependencies belong to the set. Roots are resolved one by one, never together:
            jgo would let the second one's parent POM decide the versions of the first one's dependencies.
    """

    group: str
    name: str
    version: str
    packaging: str = "jar"
    classifier: str = ""
    transitive: bool = False


def repository_url() -> str:
    """The Maven repository to download from: FOLDLOG_MAVEN_REPOSITORY, or Maven Central."""
    configured = os.environ.get(REPOSITORY_VARIABLE, "").strip()
    if configured:
        return configured.rstrip("/")
    try:
        from jgo.constants import MAVEN_CENTRAL_URL
    except ImportError as error:
        raise MissingExtraError("jgo") from error
    return str(MAVEN_CENTRAL_URL)


def _context(folder: Path, repository: str) -> MavenContext:
    try:
        from jgo.maven import MavenContext
    except ImportError as error:
        raise MissingExtraError("jgo") from error
    return MavenContext(repo_cache=folder, remote_repos={"foldlog": repository}, timeout=_REQUEST_TIMEOUT_S)


def download(artifact: LockedArtifact, into: Path, repository: str) -> Path:
    """Downloads one file into a folder with Maven's layout; the caller verifies it.

    Raises:
        ArtifactUnavailableError: The repository cannot be reached or has no such file.
        MissingExtraError: jgo is not installed.
        OSError: The folder cannot be written.
    """
    context = _context(into, repository)
    component = context.project(artifact.group, artifact.name).at_version(artifact.version)
    file = component.artifact(artifact.classifier, artifact.packaging)
    from requests import RequestException

    try:
        return Path(file.resolve())
    except RequestException as error:
        raise ArtifactUnavailableError(artifact.coordinate, repository, _reason(error)) from error
    except RuntimeError as error:  # jgo's way to say: no repository has it
        raise ArtifactUnavailableError(artifact.coordinate, repository, str(error)) from error


def resolve_for_lock(roots: Iterable[Root], folder: Path, repository: str) -> Sequence[LockedArtifact]:
    """Resolves roots to exact artifacts and computes their checksums: how a lock file is made.

    Raises:
        MissingExtraError: jgo is not installed.
        requests.RequestException: The repository cannot be reached.
    """
    context = _context(folder, repository)
    found: dict[str, LockedArtifact] = {}
    for root in roots:
        component = context.project(root.group, root.name).at_version(root.version)
        artifacts = [component.artifact(root.classifier, root.packaging)]
        if root.transitive:
            dependency = context.create_dependency(f"{root.group}:{root.name}:{root.version}")
            inputs, transitive = context.resolver.resolve([dependency])
            artifacts = [each.artifact for each in (*inputs, *transitive)]
        for artifact in artifacts:
            locked = _locked(artifact)
            found.setdefault(locked.coordinate, locked)
    return tuple(found.values())


def _locked(artifact: Any) -> LockedArtifact:
    path = Path(artifact.resolve())
    middle = [artifact.classifier] if artifact.classifier else []
    parts = [artifact.groupId, artifact.artifactId, artifact.packaging, *middle, artifact.version]
    return LockedArtifact(coordinate=":".join(parts), sha256=sha256_of(path), size=path.stat().st_size)


def _reason(error: BaseException) -> str:
    """The innermost reason; urllib3 wraps it several times over."""
    text = str(error)
    marker = "Caused by "
    return text[text.rindex(marker) + len(marker) :].rstrip(")") if marker in text else text
