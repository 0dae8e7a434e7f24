"""Pages to the last word, number and moment, in every language, beside what they said when somebody last read them.

While such a test runs, the clocks of Python and of the database stand still (`NOON`), so that no date differs from run
to run: only what is drawn by lot is masked. A page that was looked at before is told by what became different on it.
The transcripts are in `transcripts/exact/`, and written anew as all others are (`tests/words/transcripts.py`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from tests.people import Browser
from tests.people import Page as Answer
from tests.words.expected import LANGUAGES
from tests.words.pages import changes, opened
from tests.words.transcripts import assert_as_before, masked, transcript

# A Wednesday, far ahead of the day on which anybody will run this; noon where lines live if nothing else is said.
NOON: Final = datetime(2051, 6, 14, 19, tzinfo=UTC)


@dataclass
class Pages:
    """What was read, by its title."""

    told: list[tuple[str, list[str]]] = field(default_factory=list)
    before: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def look(self, title: str, browser: Browser, path: str, *, but: tuple[str, ...] = (), of: str = "") -> None:
        """Read a page in every language. `but`: classes of what is left out. `of`: whose page it is, if of several.

        Where its links and forms lead is read in English alone: it is the same in all.
        """
        for language in LANGUAGES:
            key, links = (f"{of} {path}", language), language == "en"
            self.keep(f"{title} ({language})", opened(browser, path, language), but=but, key=key, links=links)

    def keep(
        self,
        title: str,
        page: Answer | str,
        *,
        but: tuple[str, ...] = (),
        key: tuple[str, str] = ("", ""),
        links: bool = False,
    ) -> None:
        """A page as it was answered."""
        lines = transcript(page if isinstance(page, str) else page.text, but=but, links=links)
        self.told.append((title, changes(self.before[key], lines) if key in self.before else lines))
        if key[0]:
            self.before[key] = lines

    def say(self, title: str, text: str) -> None:
        """What is no page: a text, a file."""
        self.told.append((title, [masked(line) for line in text.splitlines() if line.strip()]))


@contextmanager
def as_before(name: str, *, since: Pages | None = None) -> Iterator[Pages]:
    """Whatever is read within says what its transcript says. `since`: what was read earlier."""
    pages = Pages(before=since.before) if since else Pages()
    yield pages
    assert_as_before(f"exact/{name}", pages.told)
