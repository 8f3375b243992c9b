"""The only module that imports jgo: Maven coordinates in, files out. Imported only when something is missing.

Owns the translation between the lock file's terms and jgo's. jgo speaks to the repository through ``requests``, so
HTTPS_PROXY, REQUESTS_CA_BUNDLE and their like apply.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import Artifact, MavenContext, PythonResolver
from jgo.util import http
from requests import RequestException

from ._lock import LockedArtifact, sha256_of
from .exceptions import ArtifactUnavailableError

REPOSITORY_VARIABLE = "FOLDLOG_MAVEN_REPOSITORY"
_REQUEST_TIMEOUT_S = 30
_CHUNK_BYTES = 1 << 18


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
    return os.environ.get(REPOSITORY_VARIABLE, "").strip().rstrip("/") or MAVEN_CENTRAL_URL


class _Resolver(PythonResolver):
    """jgo's resolver, but a download that fails closes its connection and says why."""

    def download(self, artifact: Artifact) -> Path | None:
        (repository,) = artifact.context.remote_repos.values()
        url = f"{repository}/{artifact.component.path_prefix.as_posix()}/{artifact.filename}"
        target = artifact.cached_path
        assert target is not None
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with http.get(url, stream=True, timeout=artifact.context.timeout) as response:
                response.raise_for_status()
                with target.open("wb") as file:
                    for chunk in response.iter_content(_CHUNK_BYTES):
                        file.write(chunk)
        except RequestException as error:
            raise ArtifactUnavailableError(str(artifact), repository, _reason(error)) from error
        return target


def _context(folder: Path, repository: str) -> MavenContext:
    return MavenContext(
        resolver=_Resolver(),
        repo_cache=folder,
        remote_repos={"foldlog": repository},
        timeout=_REQUEST_TIMEOUT_S,
    )


def download(artifact: LockedArtifact, into: Path, repository: str) -> Path:
    """Downloads one file into a folder with Maven's layout; the caller verifies it.

    Raises:
        ArtifactUnavailableError: The repository cannot be reached or has no such file.
        OSError: The folder cannot be written.
    """
    context = _context(into, repository)
    component = context.project(artifact.group, artifact.name).at_version(artifact.version)
    return component.artifact(artifact.classifier, artifact.packaging).resolve()


def resolve_for_lock(roots: Iterable[Root], folder: Path, repository: str) -> Sequence[LockedArtifact]:
    """Resolves roots to exact artifacts and computes their checksums: how a lock file is made.

    Raises:
        ArtifactUnavailableError: The repository cannot be reached or lacks a file.
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


def _locked(artifact: Artifact) -> LockedArtifact:
    path = artifact.resolve()
    middle = [artifact.classifier] if artifact.classifier else []
    parts = [artifact.groupId, artifact.artifactId, artifact.packaging, *middle, artifact.version]
    return LockedArtifact(coordinate=":".join(parts), sha256=sha256_of(path), size=path.stat().st_size)


def _reason(error: BaseException) -> str:
    """The innermost reason; urllib3 wraps it several times over."""
    text = str(error)
    marker = "Caused by "
    return text[text.rindex(marker) + len(marker) :].rstrip(")") if marker in text else text
