"""Whatever a person can read stands in a test: in a page as it was read through, or in words that a test expects.

A sentence that stands in none can be dropped, or come to be said of another state, and nobody would notice. A new one
wants a state in which it is read: in `tests/words`, most often a few lines in `seldom.py` or `seldom_cases.py`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.conventions.catalogues import ROOT, in_python, in_templates
from tests.words.transcripts import masked

TESTS = ROOT / "tests"
# Of formats it is read what they give.
FORMAT = re.compile(r"day|time|moment|month|weekday")
FILLED_IN = re.compile(r"<[^>]*>|%\(\w+\)[sd]|%%|\{\w*\}")


def texts_of(file: Path) -> Iterator[str]:
    """Every text in a test."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def everything_read() -> str:
    """All transcripts and all texts in tests, in one line."""
    # Of a page that was read before, what came has a "+ " before each line. What fits stands in one line.
    read = [
        re.sub(r"^[+-] | \| ", " ", one.read_text(), flags=re.MULTILINE)
        for one in sorted((TESTS / "words").rglob("*.txt"))
    ]
    for file in sorted(TESTS.rglob("*.py")):
        if "mutants" not in file.parts:
            read += texts_of(file)
    return in_one_line(" ".join(read))


def in_one_line(text: str) -> str:
    return " ".join(text.split())


def pieces(text: str) -> list[str]:
    """What of a sentence is the same whatever is filled in."""
    return [one.strip() for one in FILLED_IN.split(in_one_line(text)) if re.search(r"\w\w", one)]


def test_every_sentence_is_read_by_a_test() -> None:
    read = everything_read()
    unread = {
        in_one_line(form)
        for sentence, _ in (*in_templates(), *in_python())
        for form in (sentence.text, sentence.plural)
        if not FORMAT.search(sentence.context)
        and not all(piece in read or masked(piece) in read for piece in pieces(form))
    }
    assert sorted(unread) == []
