"""Every link in a Markdown file leads somewhere, to the heading it names too, and every command it names exists."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted(path.relative_to(ROOT) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
CODE = (
    "accounts", "audit", "console", "consent", "disclosures", "partners", "portal", "revocations", "support",
    "templates",
    "tests", "tools",
    "docs", ".ci",
)  # fmt: skip
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMAND = re.compile(r"(?:manage\.py|\./whereabouts) (?:--\S+ )*([a-z_]+)")
MODULE = re.compile(r"python -m ((?:tests|portal|tools)[\w.]*)")
NAMED = re.compile(r"docs/[a-z_/0-9-]+\.(?:md|yml|conf|json|py)")
FILE = re.compile(r"`([\w./-]+\.(?:py|sql|html|css|js))`")
IN_FILE = re.compile(r"`(\w+)` in `(\w[\w/-]+\.(?:py|sql))`")
# So that somebody can read them: who adds a page says something else in fewer words.
MOST_WORDS = 45_000
# `./whereabouts` knows this one itself.
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


def sources() -> Iterator[Path]:
    for folder in CODE:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix not in {".pyc", ".xz", ".mo"}:
                yield path


def test_links_lead_somewhere() -> None:
    links = [
        (name, link)
        for name in DOCS
        for link in LINK.findall((ROOT / name).read_text())
        if not link.startswith(("http", "mailto:"))
    ]
    assert len(links) > 100
    assert [(str(name), link) for name, link in links if leads_nowhere(ROOT / name, link)] == []


def test_all_docs_together_stay_readable() -> None:
    words = sum(len((ROOT / name).read_text().split()) for name in DOCS)
    assert words <= MOST_WORDS, f"say it, or something else, in {words - MOST_WORDS} words fewer"


def test_files_exist() -> None:
    names = {path.name for path in sources()}
    named = [(str(page), name) for page in DOCS for name in FILE.findall((ROOT / page).read_text())]
    assert len(named) > 150
    written = [(page, name) for page, name in named if not name.startswith("APP/")]
    assert [(page, name) for page, name in written if name not in names and not (ROOT / name).exists()] == []


def test_files_hold_what_is_looked_for_in_them() -> None:
    found = [(name, path) for page in DOCS for name, path in IN_FILE.findall((ROOT / page).read_text())]
    assert len(found) > 15
    assert [(name, path) for name, path in found if not re.search(rf"\b{name}\b", (ROOT / path).read_text())] == []


def test_commands_exist() -> None:
    known = {*get_commands(), *SCRIPT}
    for name in (name for name in DOCS if "decisions" not in name.parts):
        text = (ROOT / name).read_text()
        assert {command for command in COMMAND.findall(text) if command not in known} == set(), name
        modules = [ROOT / module.rstrip(".").replace(".", "/") for module in MODULE.findall(text)]
        assert [str(one) for one in modules if not one.with_suffix(".py").exists() and not one.is_dir()] == [], name


def test_an_image_is_made_of_every_package() -> None:
    taken = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages - taken == set()


def test_docs_named_in_code_exist() -> None:
    named = {(name, path) for path in sources() for name in NAMED.findall(path.read_text(errors="ignore"))}
    assert {(name, str(path.relative_to(ROOT))) for name, path in named if not (ROOT / name).exists()} == set()
