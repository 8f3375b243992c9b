"""What the documents say is true of the tree: links, the example in the README, the commands that are described."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from foldlog.cli._errors import ExitCode
from foldlog.cli._root import COMMANDS, cli

ROOT = Path(__file__).parents[3]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")


def anchors(text: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target, anchor in LINK.findall(document.read_text(encoding="utf-8")):
        path = (document.parent / target).resolve() if target else document
        assert path.exists(), f"{document.name} links to {target}"
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path.read_text(encoding="utf-8")), f"{document.name} links to {target}#{anchor}"


def test_the_readme_shows_the_example_as_it_is() -> None:
    example = (ROOT / "examples" / "hello_world.py").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
    assert example in blocks


def test_every_decision_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = sorted(
        path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md") if path.name != "README.md"
    )
    assert [str(page) for page in pages if f"({page})" not in index] == []


def test_every_command_and_exit_code_is_described() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    missing = []
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        subs = [f"{name} {sub}" for sub in command.commands] if isinstance(command, click.Group) else [name]
        missing += [sub for sub in subs if f"foldlog {sub}" not in text]
    assert missing == []
    assert [code for code in ExitCode if f"| {int(code)} |" not in text] == []


def test_no_registry_and_no_path_of_a_machine_is_in_the_tree() -> None:
    for path in [ROOT / "Makefile", ROOT / "constraints.txt", ROOT / "pyproject.toml", *ROOT.glob(".ci/*")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"--(extra-)?index-url|https?://[^\s\"']*(pypi|simple)", text), path
