"""Every link in a Markdown file leads somewhere, to the heading it names too, and every command it names exists."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    Path(name)
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    if (ROOT / name).exists()
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:manage\.py|\./whereabouts) (?:--\S+ )*([a-z_]+)")
MODULE = re.compile(r"python -m ((?:tests|portal)[\w.]*)")
# `./whereabouts` knows these itself.
SCRIPT = {"test"}


@cache
def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page, and the anchors it sets by hand."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", one).replace(" ", "-") for one in plain} | {*re.findall(r'<a id="([\w-]+)"', text)}


def leads_nowhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


@pytest.mark.parametrize("name", PAGES, ids=str)
def test_links_lead_somewhere(name: Path) -> None:
    links = [link for link in LINK.findall((ROOT / name).read_text()) if not link.startswith(("http", "mailto:"))]
    assert [link for link in links if leads_nowhere(ROOT / name, link)] == []


@pytest.mark.parametrize("name", [name for name in PAGES if "decisions" not in name.parts], ids=str)
def test_commands_exist(name: Path) -> None:
    text = (ROOT / name).read_text()
    known = {*get_commands(), *SCRIPT}
    assert {command for command in COMMAND.findall(text) if command not in known} == set()
    modules = [ROOT / module.rstrip(".").replace(".", "/") for module in MODULE.findall(text)]
    assert [str(one) for one in modules if not one.with_suffix(".py").exists() and not one.is_dir()] == []


def test_paths_to_docs_exist_in_code() -> None:
    named = subprocess.run(
        ["git", "grep", "-hoE", r"docs/[a-z_/0-9-]+\.(md|yml|conf|json|py)", "--", ":!docs/changelog.md"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert {name for name in named if not (ROOT / name).exists()} == set()
