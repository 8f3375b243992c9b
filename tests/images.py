"""Reads the files of docker/ as an engine would, for tests that run what is in them without one.

Knows of a Dockerfile what ours has: instructions over several lines, and commands as JSON lists.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
COMPOSE = ROOT / "docker" / "compose.yaml"
KUBERNETES = ROOT / "docker" / "kubernetes.yaml"


@dataclass
class Image:
    """What a stage of the Dockerfile leaves to those who run it."""

    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health_check: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    stop_signal: str = "SIGTERM"
    volumes: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)
    """What it takes from the build context."""


def images() -> dict[str, Image]:
    """Each stage of docker/Dockerfile by its name, with what it inherits."""
    found: dict[str, Image] = {}
    image = Image()
    for word, rest in _instructions(DOCKERFILE.read_text(encoding="utf-8")):
        if word == "FROM":
            base, _, name = rest.split()
            image = found[name] = _copy_of(found[base]) if base in found else Image()
        else:
            _apply(image, word, rest)
    return found


def services() -> dict[str, dict[str, Any]]:
    """The services of docker/compose.yaml by name."""
    document = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return dict(document["services"])


def objects() -> dict[str, dict[str, Any]]:
    """The objects of docker/kubernetes.yaml by kind."""
    return {each["kind"]: each for each in yaml.safe_load_all(KUBERNETES.read_text(encoding="utf-8"))}


def _instructions(text: str) -> list[tuple[str, str]]:
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines.splitlines() if line.strip()]


def _copy_of(image: Image) -> Image:
    copy = Image(**vars(image))
    copy.environment, copy.copied = dict(image.environment), []
    return copy


def _apply(image: Image, word: str, rest: str) -> None:
    match word:
        case "ENTRYPOINT":
            image.entrypoint, image.command = json.loads(rest), []
        case "CMD":
            image.command = json.loads(rest)
        case "HEALTHCHECK":
            image.health_check = json.loads(rest.partition("CMD ")[2])
        case "ENV":
            image.environment |= dict(pair.split("=", 1) for pair in rest.split())
        case "USER":
            image.user = rest
        case "STOPSIGNAL":
            image.stop_signal = rest
        case "VOLUME":
            image.volumes = rest.split()
        case "EXPOSE":
            image.ports = rest.split()
        case "COPY" if not rest.startswith("--from"):
            image.copied += rest.split()[:-1]
