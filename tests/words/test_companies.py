"""Companies that got a line's location, before its person has said anything: home, each one's page, the history."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from itertools import groupby
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from tests.people import Browser, signed_in
from tests.words import cards
from tests.words.company_pages import Page, Record
from tests.words.crowd import NAMES, Crowd, a_crowd, crowd_pages
from tests.words.expected import LANGUAGES, PACIFIC, Words
from tests.words.home_pages import assert_home
from tests.words.looks import REFUSED, Look, days
from tests.words.pages import changes, main, opened
from tests.words.transcripts import assert_as_before
from tests.words.worlds import in_a_market

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture(scope="module")
def crowd(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Crowd]:
    yield from in_a_market(django_db_blocker, a_crowd)


@pytest.fixture
def person(crowd: Crowd, db: None) -> Browser:
    return signed_in(crowd.line)


def test_home_has_every_company_as_it_stands(crowd: Crowd, person: Browser) -> None:
    for language in LANGUAGES:
        say = Words(language)
        assert_home(crowd, say, main(person, "/home/", language), cards.before(crowd, say))


def pages(crowd: Crowd, say: Words) -> dict[str, Page]:
    """By place: what is particular to the page of each."""
    stands = cards.before(crowd, say)
    good, warn, over = (f"({tone}) {say(name)}" for tone, name in cards.COUNTS)
    part, every = say("stop_only_this_use"), say("stop_this_kind_of")
    nobody, carrier = "", say("your_carrier")
    claim = {"tag": warn, "at": crowd.noon(40), "checked_by": "nobody_but_the_company"}

    def a_record(role: str, why: str = "to_give_you_a", **said: Any) -> Record:
        plain = Record(why, good, stands[role].proof, crowd.noon(90), role=role, by=NAMES[role])
        return replace(plain, **said)

    def a_page(role: str, why: str = "to_give_you_a", *, n: int = 1, **said: Any) -> Page:
        way = ("Ash Exchange", NAMES[role])
        plain: dict[str, Any] = {
            "name": NAMES[role], "stands": stands[role], "uses": [say(why), part, every],
            "flow": [(name, n) for name in (carrier, *way)], "ways": [way], "records": [a_record(role, why)],
        }  # fmt: skip
        return Page(**(plain | said))

    return {
        "agreed": a_page("agreed", n=4),
        "claimed": a_page(
            "claimed", "to_show_you_ads_by", n=2, records=[a_record("claimed", "to_show_you_ads_by", **claim)]
        ),
        "unknown": a_page(
            "unknown", "to_check_who_you", records=[],
            flow=[
                (carrier, 3), ("Birch Exchange", 3), ("Daisy Track", 3), ("County desk", 2),
                (say("nobody_knows_who"), 1),
            ],
            ways=[("Birch Exchange", "Daisy Track", "County desk"), ("Birch Exchange", "Daisy Track", nobody)],
        ),
        "ended": a_page("ended", n=2, records=[a_record("ended", tag=over, ends_at=crowd.noon(50))]),
        "refused": a_page("refused", uses=[], flow=[], records=[]),
        "doubtful": a_page("doubtful", uses=[], flow=[], records=[]),
        "not_looked": a_page("not_looked", flow=[]),
        "family": a_page("family", "to_run_a_service", warnings=[f"{say('if_you_stop_it')} {say('stay_safe')}"]),
        "lifeline": a_page(
            "lifeline", warnings=[say("if_you_stop_it_cant", name="Sage Rescue")],
            uses=[f"{say('to_give_you_a')} {say('it_finds_you_when')}", part, every],
        ),
        "file_allowed": a_page(
            "file_allowed", records=[a_record("file_allowed", at=crowd.noon(80), how="a_record_taken_over_from_an")]
        ),
        "one_customer": a_page(
            "one_customer",
            flow=[(carrier, 2), ("Ash Exchange", 2), ("Umbel Desk", 2), ("Vine Bank", 1), ("Wisteria Shop", 1)],
            ways=[("Ash Exchange", "Umbel Desk", "Vine Bank"), ("Ash Exchange", "Umbel Desk", "Wisteria Shop")],
        ),
        "Vine Bank": a_page(
            "one_customer", name="Vine Bank", kind="a_customer_of_such",
            uses=[f"{say('to_give_you_a')} {say('by', name='Umbel Desk')}", part, every],
            flow=[(carrier, 1), ("Ash Exchange", 1), ("Umbel Desk", 1), ("Vine Bank", 1)],
            ways=[("Ash Exchange", "Umbel Desk", "Vine Bank")],
        ),
        "County desk": a_page(
            "unknown", name="County desk", kind="a_customer_of_such", records=[],
            notices=[f"(plain) {say('does_not_tell_us', name='Daisy Track')}"],
            uses=[f"{say('to_check_who_you')} {say('by', name='Daisy Track')}", part, every],
            flow=[(carrier, 2), ("Birch Exchange", 2), ("Daisy Track", 2), ("County desk", 2)],
            ways=[("Birch Exchange", "Daisy Track", "County desk")],
        ),
        "Birch Exchange": a_page(
            "unknown", name="Birch Exchange", kind="sells_access_to_phone", records=[],
            uses=[f"{say('to_check_who_you')} {say('by', name='Daisy Track')}", part, every],
            flow=[
                (carrier, 4), ("Birch Exchange", 4), ("Daisy Track", 3), ("County desk", 2),
                (say("nobody_knows_who"), 1),
            ],
            ways=[
                ("Birch Exchange", "Daisy Track", "County desk"), ("Birch Exchange",),
                ("Birch Exchange", "Daisy Track", nobody),
            ],
        ),
    }  # fmt: skip


def test_each_companys_page_says_what_it_got_and_on_what_proof(crowd: Crowd, person: Browser) -> None:
    for language in LANGUAGES:
        say = Words(language)
        for role, page in pages(crowd, say).items():
            read = main(person, crowd.path(role), language).whole
            assert (role, changes(page.read(say, crowd), read)) == (role, [])


def test_the_history_has_every_look_up_and_nothing_that_is_hidden(crowd: Crowd, person: Browser) -> None:
    for language in LANGUAGES:
        say, page = Words(language), main(person, "/history/", language)
        expected = days(say, crowd.looks)
        first = page.whole.index(expected[0])
        assert changes(expected, page.whole[first : first + len(expected)]) == []


def test_every_page_says_what_it_said(crowd: Crowd, person: Browser) -> None:
    assert_as_before("crowd", crowd_pages(crowd, person))


def test_who_asked_is_told_day_by_day(crowd: Crowd, person: Browser) -> None:
    newest = max(look.at for look in crowd.looks).astimezone(PACIFIC).date()
    older = newest - timedelta(days=29)
    for language in LANGUAGES:
        say = Words(language)
        top = [say("companies_that_asked_where"), f"{say('day_by_day_how')} {say('history')}",
               say("people_and_programs_here"), say("companies_that_asked")]  # fmt: skip
        zone = say("zone", zone=say("pacific"))
        first = main(person, "/access-log/companies/", language)
        recent = [look for look in crowd.looks if look.at.astimezone(PACIFIC).date() >= older]
        assert changes([*top, *asked(say, recent), say("older"), zone], first.whole) == []
        before = main(person, f"/access-log/companies/?before={older.isoformat()}", language)
        rest = [look for look in crowd.looks if look not in recent]
        assert changes([*top, *asked(say, rest), say("newest"), zone], before.whole) == []


def asked(say: Words, looks: Iterable[Look]) -> list[str]:
    """For each day who asked, how often they were told and refused; who asked most comes first."""
    read = []
    newest_first = sorted(looks, key=lambda look: look.at, reverse=True)
    for day, of_day in groupby(newest_first, key=lambda look: look.at.astimezone(PACIFIC).date()):
        by_company: dict[str, list[Look]] = {}
        for look in of_day:
            by_company.setdefault(look.company, []).append(look)
        read.append(say.heading(day))
        for name, each in sorted(by_company.items(), key=lambda one: (-len(one[1]), one[0])):
            refused = sum(look.judged == REFUSED for look in each)
            counts = (("told_once", len(each) - refused), ("refused_once", refused))
            read.append(f"{name} {', '.join(say.counted(words, n) for words, n in counts if n)}")
            read += [say("some_of_it_never")] if not all(look.by_agreement for look in each) else []
    return read


def test_the_files_say_what_the_history_says(crowd: Crowd, person: Browser) -> None:
    newest_first = sorted(crowd.looks, key=lambda look: look.at, reverse=True)
    for language in LANGUAGES:
        say = Words(language)
        rows = list(
            csv.DictReader(io.StringIO(opened(person, "/history/download.csv", language).text.removeprefix("\ufeff")))
        )
        told = json.loads(opened(person, "/history/download.json", language).text)["disclosures"]
        for row, one, look in zip(rows, told, newest_first, strict=True):
            path = [name or say("a_company_we_cant") for name in look.path]
            moment = look.at.astimezone(UTC).isoformat().replace("+00:00", "Z")
            expected = {
                "occurred_at": moment, "path_names": " > ".join(path), "purpose_in_words": say(look.why),
                "precision_m": str(look.metres), "judgement_in_words": say(look.judged),
                "told_later": "yes" if look.delayed else "",
            }  # fmt: skip
            assert {name: row[name] for name in expected} == expected
            assert (one["path_names"], one["told_later"]) == (path, look.delayed)
            assert [one[name] for name in ("occurred_at", "purpose_in_words", "precision_m", "judgement_in_words")] == [
                moment, say(look.why), look.metres, say(look.judged),
            ]  # fmt: skip
