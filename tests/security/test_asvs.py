"""docs/reference/asvs.md names each requirement of OWASP ASVS 5.0, levels 1 and 2, once, and real tests."""

import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from consent.feeds import claims, digests
from disclosures.feeds.reports import MOST_BYTES
from support.domain import files

ROOT = Path(__file__).resolve().parents[2]
# The numbers alone, chapter by chapter; "3.4:1-6" is 3.4.1 to 3.4.6.
LEVELS_1_AND_2 = """
1.1:1-2 1.2:1-9 1.3:1-11 1.4:1-3 1.5:1-2 2.1:1-3 2.2:1-3 2.3:1-4 2.4:1 3.2:1-2 3.3:1-4 3.4:1-6 3.5:1-5 3.7:1-2
4.1:1-3 4.2:1 4.3:1-2 4.4:1-4 5.1:1 5.2:1-3 5.3:1-2 5.4:1-3 6.1:1-3 6.2:1-12 6.3:1-4 6.4:1-4 6.5:1-5 6.6:1-3
6.8:1-4 7.1:1-3 7.2:1-4 7.3:1-2 7.4:1-5 7.5:1-2 7.6:1-2 8.1:1-2 8.2:1-3 8.3:1 8.4:1 9.1:1-3 9.2:1-4 10.1:1-2
10.2:1-2 10.3:1-4 10.4:1-11 10.5:1-5 10.6:1-2 10.7:1-3 11.1:1-2 11.2:1-3 11.3:1-3 11.4:1-4 11.5:1 11.6:1
12.1:1-3 12.2:1-2 12.3:1-4 13.1:1 13.2:1-5 13.3:1-2 13.4:1-5 14.1:1-2 14.2:1-4 14.3:1-3 15.1:1-3 15.2:1-3
15.3:1-7 16.1:1 16.2:1-5 16.3:1-4 16.4:1-3 16.5:1-3 17.1:1 17.2:1-4 17.3:1-2
"""
ROW = re.compile(r"^- (\d+\.\d+\.\d+) ([^:\n]+): (.+)$", re.MULTILINE)
NUMBER = re.compile(r"\d+\.\d+\.\d+")
NAMED = re.compile(
    r"`((?:tests|docs|portal|accounts|consent|partners|support|requirements|templates|static|pyproject|\.ci)"
    r"[\w./-]*)(?:::(\w+))?`"
)
ENFORCED, _, NOT_APPLICABLE = (ROOT / "docs" / "reference" / "asvs.md").read_text().partition("## Not applicable")
TABLE = ROW.findall(ENFORCED)


def wanted() -> list[str]:
    found = []
    for part in LEVELS_1_AND_2.split():
        section, _, numbers = part.partition(":")
        for one in numbers.split(","):
            first, _, last = one.partition("-")
            found += [f"{section}.{number}" for number in range(int(first), int(last or first) + 1)]
    return found


def test_every_requirement_stands_there_once_and_in_order() -> None:
    assert len(wanted()) == 253
    apart = NUMBER.findall(NOT_APPLICABLE)
    assert [number for number, *_ in TABLE] == [number for number in wanted() if number not in apart]
    assert sorted(apart) == sorted(set(apart) & set(wanted()))


def test_each_says_where_it_is_held_or_why_not() -> None:
    loose = [
        number
        for number, _, held in TABLE
        if not NAMED.search(held) and not held.startswith("**open**: ") and len(held.split()) < 2
    ]
    assert loose == []


def test_what_is_named_is_there() -> None:
    missing = []
    for number, _, held in TABLE:
        for file, function in NAMED.findall(held):
            path = ROOT / file
            if not path.exists() or (function and f"def {function}(" not in path.read_text()):
                missing.append((number, file, function))
    assert missing == []


def test_what_is_open_is_counted_at_the_head() -> None:
    text = (ROOT / "docs" / "reference" / "asvs.md").read_text()
    still_open = [number for number, _, held in TABLE if held.startswith("**open**: ")]
    said = f"{len(still_open)} are open: {', '.join(still_open)}." if still_open else "None is open."
    assert said in text


def limits() -> str:
    text = (ROOT / "docs" / "explanation" / "security.md").read_text()
    return text.partition("\n## Limits\n")[2].partition("\n## ")[0]


def forms_that_take_files() -> Iterator[Path]:
    for path in (ROOT / "templates").rglob("*.html"):
        if "multipart/form-data" in path.read_text():
            yield path


def test_nothing_says_that_files_are_not_taken() -> None:
    assert len(list(forms_that_take_files())) == 5
    denied = re.compile(r"no uploads|nobody uploads|no pictures are taken|no files? (?:is|are) taken", re.IGNORECASE)
    assert [number for number, _, held in TABLE if denied.search(held)] == []
    assert [number for number in NUMBER.findall(NOT_APPLICABLE) if number.startswith("5.")] == []


def test_the_limits_that_are_said_are_those_that_hold() -> None:
    size = f"{files.LARGEST // 1024**2} MB"
    held = [
        f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes in all fields", f"{files.MOST} files of {size} each",
        f"{MOST_BYTES:,} bytes for reports", f"{claims.MOST_BYTES:,} for partners' claims",
    ]  # fmt: skip
    assert [one for one in held if one not in limits()] == []
    assert claims.MOST_BYTES == digests.MOST_BYTES
    rows = {number: held for number, _, held in TABLE}
    assert f"up to {files.MOST} files of {size}, PNG, JPEG, PDF or plain text" in rows["5.1.1"]
    assert {*files.BEGINS, files.TEXT} == {"image/png", "image/jpeg", "application/pdf", "text/plain"}
    assert f"a file of {size}" in rows["5.2.1"]
    assert f"{settings.DATA_UPLOAD_MAX_MEMORY_SIZE:,} bytes" in rows["5.2.1"]


def test_the_proxy_takes_no_more_than_cases_may_hold() -> None:
    proxy = (ROOT / "docs" / "running" / "nginx.conf").read_text()
    (cases,) = re.findall(r"location ~ [^{]*help[^{]*\{\s*client_max_body_size (\d+)m;", proxy)
    assert f"{cases} MB in all at the proxy" in limits()
    assert int(cases) * 1024**2 > files.MOST * files.LARGEST
