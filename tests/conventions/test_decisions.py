"""Decision records: file names follow titles, the index links each once, and code refers to records that exist."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conventions.sources import ROOT, own_modules

RECORDS = ROOT / "docs" / "decisions"
HEADING = re.compile(r"# (\d+)\. (.+)")
STATUS = re.compile(r"Accepted on \d{4}-\d\d-\d\d\b")
# A number is enough in a docstring: whole file names are held by test_docs.
REFERENCE = re.compile(r"decisions/(\d{4})")


@dataclass(frozen=True)
class Record:
    number: int
    title: str
    name: str


def read_record(path: Path) -> Record:
    heading, _, status = path.read_text().splitlines()[:3]
    titled = HEADING.fullmatch(heading)
    assert titled, f"{path.name}: the first line is not '# NUMBER. TITLE'"
    assert STATUS.match(status), f"{path.name}: the third line begins with no status and date"
    return Record(int(titled[1]), titled[2], path.name)


def file_name(number: int, title: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", title.lower().replace("'", "").replace('"', "")).strip("-")
    return f"{number:04}-{words}.md"


def records() -> list[Record]:
    return [read_record(path) for path in sorted(RECORDS.glob("[0-9]*.md"))]


def test_file_names_follow_numbers_and_titles() -> None:
    found = records()
    assert [record.name for record in found] == [file_name(record.number, record.title) for record in found]
    assert len({record.number for record in found}) == len(found) > 70


def test_the_index_links_every_record_once() -> None:
    links = re.findall(r"\[(\d+)\]\(([\w.-]+)\)", (RECORDS / "README.md").read_text())
    assert sorted((int(number), name) for number, name in links) == [(one.number, one.name) for one in records()]


def test_numbers_in_code_are_those_of_records() -> None:
    numbers = {record.name[:4] for record in records()}
    modules = [*own_modules(), *(ROOT / "tests").rglob("*.py")]
    found = {
        (str(path.relative_to(ROOT)), number) for path in modules for number in REFERENCE.findall(path.read_text())
    }
    assert {one for one in found if one[1] not in numbers} == set()
    assert len(found) > 5


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Don't redirect people", "0007-dont-redirect-people.md"),
        ('Mark "Leave quickly" in the session', "0007-mark-leave-quickly-in-the-session.md"),
    ],
)
def test_quotes_in_titles_are_left_out_of_file_names(title: str, name: str) -> None:
    assert file_name(7, title) == name
