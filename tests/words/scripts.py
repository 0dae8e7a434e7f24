"""Pages of the console as scripts: all their lines under a name (`expected/console_pages.txt`), with what is filled in.

Of a page that was read before, a script has what became different: "+" came, "-" went.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import time_machine

from tests.people import Browser
from tests.support.officers import Member, sign_in_anew
from tests.words.expected import SCRIPTS
from tests.words.pages import Part, changes, main, without
from tests.words.transcripts import packed


class Desk(Browser):
    """A member of staff at a browser."""

    def __init__(self, member: Member) -> None:
        super().__init__()
        self.client = member.client


@dataclass
class Reader:
    """Reads pages one after another. `filled`: what stands for each name in braces. `base`: when the story began."""

    base: datetime
    staff: Sequence[Member] = ()
    filled: dict[str, object] = field(default_factory=dict)
    before: dict[str, list[str]] = field(default_factory=dict)
    moments: dict[str, datetime] = field(default_factory=dict)

    @contextmanager
    def later(self, **after: float) -> Iterator[datetime]:
        """As if it were so long after the story began; staff are signed in then."""
        with time_machine.travel(self.base + timedelta(**after), tick=False):
            for member in self.staff:
                sign_in_anew(member)
            yield self.base + timedelta(**after)

    def knows(self, **moments: datetime) -> None:
        """Moments as the console writes them: to the minute, to the second, and their days."""
        self.moments |= moments
        for name, at in moments.items():
            utc = at.astimezone(UTC)
            self.filled[name] = f"{utc:%-d %b %Y, %H:%M}"
            self.filled[f"{name}_exactly"] = f"{utc:%-d %b %Y, %H:%M:%S}"
            self.filled[f"{name}_day"], self.filled[f"{name}_short"] = f"{utc:%-d %b %Y}", f"{utc:%-d %b}"

    def reads(self, name: str, browser: Browser, path: str, *, language: str = "en") -> None:
        """All of the page is the script of this name."""
        page = whole(main(browser, path, language))
        self.before[path] = page
        self.compare(name, page)

    def differs(self, name: str, browser: Browser, path: str, *, language: str = "en") -> None:
        """The page differs from what it was by the script of this name, and by nothing else."""
        page = whole(main(browser, path, language))
        self.compare(name, changes(self.before[path], page))
        self.before[path] = page

    def compare(self, name: str, read: list[str]) -> None:
        expected = expected_of(name, self.filled)
        differ = changes(expected, read)
        assert not differ, "\n".join([f"{name}:", *differ])


def expected_of(name: str, filled: Mapping[str, object]) -> list[str]:
    """The lines of a script."""
    return [line.format(**filled) for line in SCRIPTS[name]]


def whole(page: Part) -> list[str]:
    """All lines but tokens, and but charts, which name months of the calendar."""
    return packed(without(page, *page.all("pre"), *page.all("figure")), width=0, mask=str)
