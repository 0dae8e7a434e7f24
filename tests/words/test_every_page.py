"""Every page that a visitor, a subscriber or staff can open says what it said when somebody last read it through."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from urllib.parse import urlsplit

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from console.urls import ADDRESSES
from console.views.site import LEGAL
from support.models import SavedReply
from tests.browser.pages import EVERY_FACTOR, a_walk
from tests.browser.states import states
from tests.clocks import Clock
from tests.factories import a_campaign, a_contract, a_line, a_party
from tests.support.console import everything
from tests.support.desk import a_ticket, said
from tests.support.officers import staff
from tests.walks.addresses import filled
from tests.words import (
    console_acts,
    desk_acts,
    seldom,
    seldom_answers,
    seldom_cases,
    seldom_choices,
    seldom_console,
    seldom_figures,
    seldom_lines,
    seldom_officers,
    seldom_said,
)
from tests.words.expected import EASTERN
from tests.words.partners import Market
from tests.words.transcripts import assert_as_before, transcript

pytestmark = pytest.mark.usefixtures("db", "no_broker", "clock", "texts_in_memory")


@pytest.fixture(autouse=True)
def _nobody_is_number_one(db: None) -> None:
    """Tests name people by that number who are nobody; the first user of an empty database would have it."""
    with transaction.atomic():
        User.objects.create_user("the first")
        transaction.set_rollback(True)


def noon_of_late() -> datetime:
    """Far enough from midnight that what comes soon after is of the same day, and further back than a day."""
    return datetime.combine((timezone.now() - timedelta(days=3)).date(), time(12), EASTERN)


def a_while_ago() -> datetime:
    """For pages that say how long ago something was: in the middle of what rounds to the same."""
    return timezone.now() - timedelta(days=2, hours=12, minutes=30)


def read_by(cookies: dict[str, str], path: str, form: tuple[tuple[str, str], ...] = ()) -> list[str]:
    client = Client()
    client.cookies.load(cookies)
    answer = client.post(path, dict(form)) if form else client.get(path)
    if answer.streaming:
        # A download goes on until it is read, and one may have two at a time.
        b"".join(answer)
    is_page = answer.headers.get("Content-Type", "").startswith("text/html") and not answer.streaming
    return (
        transcript(answer.content.decode())
        if is_page
        else [f"{answer.status_code} {answer.headers.get('Content-Type', '')}"]
    )


def test_pages_of_visitors_and_subscribers() -> None:
    walk = a_walk(at=noon_of_late())

    def each() -> Iterator[tuple[str, list[str]]]:
        for one in walk.visits():
            yield f"{one.name} {urlsplit(one.path).query}".strip(), read_by(dict(one.cookies), one.path)
        for path in ("/accounts/2fa/", "/accounts/2fa/webauthn/"):
            yield f"{path} with every factor", read_by(dict(walk.cookies[EVERY_FACTOR]), path)

    assert_as_before("visitors", each())


def test_states_of_pages() -> None:
    def each() -> Iterator[tuple[str, list[str]]]:
        # What is very long is the same words again and again.
        for n, one in enumerate(one for one in states() if one.state != "very long"):
            lines = transcript(one.bodies["en"]) if one.bodies else read_by(one.cookies, one.path, one.form)
            yield f"{n} {one.state}", lines

    assert_as_before("states", each())


def test_pages_in_states_that_are_seldom() -> None:
    assert_as_before("seldom", seldom.pages(a_while_ago()))


def test_pages_of_a_line_with_much_on_it() -> None:
    assert_as_before("seldom_lines", seldom_lines.pages())


def test_the_report_of_much() -> None:
    assert_as_before("figures", seldom_figures.pages())


def test_choices_and_how_far_partners_are(market: Market, clock: Clock) -> None:
    assert_as_before("seldom_choices", seldom_choices.Told(market, clock).pages())


def test_answers_to_what_is_sent() -> None:
    assert_as_before("seldom_answers", seldom_answers.pages())
    assert_as_before("seldom_said", seldom_said.pages())


def read_drafts(cookies: dict[str, str]) -> list[tuple[str, list[str]]]:
    """The forms of what is not in force yet, with drafts that are gone afterwards."""
    with transaction.atomic():
        contract = a_contract(is_draft=True)
        campaign = a_campaign(contract, is_draft=True)
        paths = {"contract": f"contracts/{contract.pk}", "campaign": f"campaigns/{campaign.pk}"}
        found = [(f"{of}-change", read_by(cookies, f"/admin/{path}/change/")) for of, path in paths.items()]
        transaction.set_rollback(True)
    return found


def test_pages_of_the_console() -> None:
    with transaction.atomic():
        begun = list(seldom_officers.of_a_beginning(staff(), at=a_while_ago()))
        transaction.set_rollback(True)
    console, officer = everything(at=a_while_ago()), staff()
    cookies = {name: morsel.value for name, morsel in officer.client.cookies.items()}
    legal = {name: morsel.value for name, morsel in staff(User.Role.LEGAL).client.cookies.items()}

    def each() -> Iterator[tuple[str, list[str]]]:
        for address in ADDRESSES:
            who = legal if address.roles == LEGAL else cookies
            if address.name not in {"contract-change", "campaign-change"}:
                yield address.name, read_by(who, filled(f"admin/{address.route}", console.ids))
        yield from read_drafts(cookies)
        yield from seldom_console.pages(console, officer, at=a_while_ago())

    assert_as_before("console", each())
    assert_as_before("seldom_officers", [*begun, *seldom_officers.pages(console, officer, at=a_while_ago())])


def test_pages_of_the_desk() -> None:
    at, party = a_while_ago(), a_party("GeoBridge Locations")
    agent = staff(User.Role.AGENT, name="ana")
    cookies = {name: morsel.value for name, morsel in agent.client.cookies.items()}
    late = a_ticket(at=at, due_in=timedelta(days=-2), kind="dispute", party_id=party.pk, priority=1, language="es")
    said(late, "They sold it.", at=at)
    theirs = a_ticket(at=at, number_ending="0177", line_id=a_line().pk, about="Who looked?", assignee=agent.user)
    said(theirs, "Who was that?", at=at)
    a_ticket(at=at, state="waiting", assignee=staff(User.Role.AGENT, name="ben").user)
    reply = SavedReply.objects.get(key="look-up", language="en")
    paths = (
        "", "?state=closed", "figures/", f"figures/complaints/{at.year}/", "many/", "replies/", "replies/new/",
        f"replies/{reply.pk}/", f"{late.code}/", f"{theirs.code}/", f"{theirs.code}/write/",
    )  # fmt: skip
    titles = (*paths[:3], "complaints", *paths[4:7], "a reply", "a late dispute", "a case of theirs", "write")
    olga = {name: morsel.value for name, morsel in staff(name="olga").client.cookies.items()}
    alone = {"complaints", "replies/new/", "a reply"}

    def each() -> Iterator[tuple[str, list[str]]]:
        for title, path in zip(titles, paths, strict=True):
            yield title or "queue", read_by(olga if title in alone else cookies, f"/desk/{path}")

    assert_as_before("desk", each())


def test_pages_of_the_desk_in_states_that_are_seldom() -> None:
    ana = staff(User.Role.AGENT, name="ana")
    assert_as_before("seldom_cases", seldom_cases.Desk(a_while_ago(), ana).pages())


def test_what_the_desk_says_of_each_act() -> None:
    desk = seldom_cases.Desk(a_while_ago(), staff(User.Role.AGENT, name="ana"))
    assert_as_before("desk_acts", desk_acts.Acts(desk).pages())


def test_what_the_console_says_of_each_act() -> None:
    console = everything(at=a_while_ago())
    assert_as_before("console_acts", console_acts.Acts(console, staff(), at=a_while_ago()).pages())
