"""Companies in every place in which one can stand: home, each one's page, the history and its files.

First before the person has said anything, then once the person, a file, an officer and one of them have acted.
"""

import json
import re
from itertools import chain

import pytest

from tests.clocks import Clock
from tests.people import signed_in
from tests.words.crowd import a_crowd, everybody_acts, look_at_all
from tests.words.exact import as_before
from tests.words.expected import LANGUAGES
from tests.words.pages import opened
from tests.words.partners import Market
from tests.words.transcripts import wrapped

pytestmark = pytest.mark.usefixtures("db", "clock")


def test_every_page_says_what_it_said(market: Market, clock: Clock) -> None:
    crowd = a_crowd(market)
    person = signed_in(crowd.line)
    with as_before("companies") as pages:
        look_at_all(crowd, person, pages)
        for language in LANGUAGES:
            rows, told = (opened(person, f"/history/download.{kind}", language).text for kind in ("csv", "json"))
            pages.say(f"history.csv ({language})", rows.removeprefix("\ufeff"))
            entries = re.sub(r"\n {3,}", " ", json.dumps(json.loads(told), indent=1, ensure_ascii=False))
            pages.say(f"history.json ({language})", "\n".join(chain.from_iterable(map(wrapped, entries.splitlines()))))
    person = everybody_acts(crowd, clock)
    with as_before("companies_acted", since=pages) as acted:
        look_at_all(crowd, person, acted)
