"""A component says in its first line which props it takes; whoever includes it gives those and no others."""

import re
from pathlib import Path

from django.template.loader import get_template

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
COMPONENTS = sorted((TEMPLATES / "components").glob("*.html"))
INCLUDE = re.compile(r'{% include "(components/[\w.]+)"(?P<given>[^%]*)%}')


def declared(path: Path) -> tuple[set[str], set[str]]:
    """The props that must be given, and those that may be (`name?`)."""
    said = re.match(r"{# [^\n]*?props: (?P<props>[^#]*)#}", path.read_text())
    assert said, f"{path.name} does not say its props in its first line"
    bare = re.sub(r"\([^)]*\)", "", said["props"])
    names = [name for name in re.findall(r"[\w]+\??", bare) if name != "none"]
    return {name for name in names if not name.endswith("?")}, {name[:-1] for name in names if name.endswith("?")}


def test_each_declares_its_props_and_compiles() -> None:
    assert len(COMPONENTS) > 20
    for path in COMPONENTS:
        needed, optional = declared(path)
        assert needed.isdisjoint(optional), path
        assert get_template(f"components/{path.name}") is not None, path


def test_components_get_what_they_declare() -> None:
    wrong = []
    for path in sorted(TEMPLATES.rglob("*.html")):
        for found in INCLUDE.finditer(path.read_text()):
            needed, optional = declared(TEMPLATES / found[1])
            given = set(re.findall(r"(\w+)=", re.sub(r'"[^"]*"', '""', found["given"])))
            if not needed <= given or not given <= needed | optional:
                takes = f"takes {sorted(needed)} and maybe {sorted(optional)}"
                wrong.append(f"{path.relative_to(TEMPLATES)}: {found[1]}: given {sorted(given)}, {takes}")
    assert wrong == []


def test_the_gallery_shows_every_component() -> None:
    gallery = (TEMPLATES / "pages" / "gallery.html").read_text()
    assert [path.name for path in COMPONENTS if path.name not in gallery] == []


def test_a_phone_number_in_a_heading_stays_in_one_line() -> None:
    headings = {
        f"{path.relative_to(TEMPLATES)}: {heading}"
        for path in TEMPLATES.rglob("*.html")
        for heading in re.findall(r"<h[1-3][^>]*>(?=.*<bdi>{{ (?:\w+\.)?number }}</bdi>)", path.read_text())
    }
    assert len(headings) >= 4
    assert {one for one in headings if 'class="of-number"' not in one} == set()
