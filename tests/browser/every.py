"""Every page and state in every language, light and width: what `tests.browser.release` runs.

Not collected with the tests of every day. What was looked at is kept in KEPT, line by line, as soon as it is known.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product

from playwright.sync_api import BrowserContext, Error
from pytest_django import Settings

from tests.browser.looking import Looking
from tests.browser.pages import Visit, a_walk
from tests.browser.release import KEPT, LANGUAGES
from tests.browser.states import MAKERS, Shown, languages

# What a group of states may hold; known when it is made.
GUESS = 5

type Look = tuple[str, str, str, int]


@dataclass
class Report:
    """What was looked at before and is looked at now: page, language, light, width, and what was wrong."""

    wanted: tuple[str, ...]
    languages: tuple[str, ...]
    lights: tuple[str, ...]
    widths: tuple[int, ...]
    found: dict[Look, list[str]] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    looked: int = 0

    def remember(self, afresh: bool) -> None:
        """Take over what an earlier run looked at, if it found nothing there."""
        if afresh:
            KEPT.unlink(missing_ok=True)
        for line in KEPT.read_text().splitlines() if KEPT.exists() else []:
            page, language, light, width, faults = json.loads(line)
            self.found[page, language, light, width] = faults
        self.found = {look: faults for look, faults in self.found.items() if not faults}

    def wants(self, page: str) -> bool:
        """Whether this page was asked for: by a part of its name, or because all were."""
        return not self.wanted or any(one in page for one in self.wanted)

    def left(self, page: str, language: str) -> list[tuple[str, int]]:
        """In which lights and widths it is still to be looked at. A new width is a new layout: each once."""
        return [
            (light, width)
            for width, light in product(self.widths, self.lights)
            if (page, language, light, width) not in self.found
        ]

    def keep(self, look: Look, faults: list[str]) -> None:
        """Write down what one look found, for good."""
        self.found[look] = faults
        with KEPT.open("a") as file:
            file.write(json.dumps([*look, faults], ensure_ascii=False) + "\n")

    def progress(self, done: int, total: int, page: str) -> None:
        """Progress."""
        passed = time.monotonic() - self.started
        left = f"{passed / done * (total - done) / 60:.0f} min left" if done else ""
        wrong = sum(map(bool, self.found.values()))
        say(f"{done} of about {total} pages, {self.looked} looks, {wrong} with faults, {left}: {page}")

    def end(self) -> list[str]:
        """What is wrong, each fault once, with the page and where it was seen."""
        where: dict[tuple[str, str], list[str]] = {}
        for (page, language, light, width), faults in self.found.items():
            for fault in faults:
                where.setdefault((page, fault), []).append(f"{language} {light} {width}")
        return [f"{page}: {fault}\n    {', '.join(seen)}" for (page, fault), seen in sorted(where.items())]


def say(words: str) -> None:
    """At once, past what gathers output."""
    if sys.__stderr__ is not None:
        sys.__stderr__.write(words + "\n")


def pieces(walk: Iterator[Visit], report: Report) -> Iterator[tuple[int, int, str, Visit | Shown]]:
    """Each page and then each state: which of how many, by which name. States are made when it is their turn."""
    pages, done = [*walk], 0
    total = len(pages) + GUESS * len(MAKERS)
    for one in pages:
        query = one.path.partition("?")[2]
        yield done, total, f"{one.name}?{query}" if query else one.name, one
        done += 1
    for make in MAKERS:
        if not report.wants(make.__name__) and not report.wants("state"):
            total -= GUESS
            continue
        made = [*make()]
        total += len(made) - GUESS
        for number, state in enumerate(made):
            yield done, total, f"state {make.__name__} {number}: {state.state}", state
            done += 1


def look_at(page: Looking, name: str, one: Visit | Shown, report: Report) -> None:
    """One page in one language, in each light and width that is left."""
    language = str(page.language["value"])
    left = report.left(name, language)
    if not left:
        return
    try:
        wrong = page.put_into(one) if isinstance(one, Shown) else page.opened(one, afresh=False)
        for light, width in left:
            report.keep((name, language, light, width), wrong or page.looks(light, width))
            report.looked += 1
    except Error as error:
        report.keep((name, language, *left[0]), [f"could not be looked at: {error.message.splitlines()[0]}"])


def test_everything(visit: Callable[..., BrowserContext], site: str, settings: Settings) -> None:
    # Whoever gave their password at the start need not give it again before the end.
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 24 * 3600
    asked = json.loads(os.environ["RELEASE"])
    report = Report(
        wanted=tuple(asked["wanted"]),
        languages=tuple(asked["languages"]),
        lights=tuple(asked["lights"]),
        widths=tuple(asked["widths"]),
    )
    report.remember(asked["afresh"])
    assert {"en", *languages()} == {*LANGUAGES}
    pages = [Looking(visit(language=language).new_page(), site) for language in report.languages]
    for done, total, name, one in pieces(a_walk().visits(), report):
        if report.wants(name):
            report.progress(done, total, name)
            for page in pages:
                look_at(page, name, one, report)
    assert any(report.wants(page) for page, *_ in report.found), f"no page is named like {' or '.join(report.wanted)}"
    found = report.end()
    say("\n".join([f"{report.looked} looks in {time.monotonic() - report.started:.0f} s", *found]))
    assert found == [], f"{len(found)} faults"
