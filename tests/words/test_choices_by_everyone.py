"""The list of choices, and each choice's page: whatever was said, by whomever, and how it stands."""

from collections.abc import Sequence
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts.actions import delegations
from accounts.models import Line
from consent.actions import choices as choices_actions
from consent.actions import system_stops
from consent.models import Choice
from tests.clocks import Clock
from tests.factories import FRAUD, ROADSIDE, a_line
from tests.feeds import approval_row, choice_row, take_approvals, take_choices
from tests.people import Browser, newest_text, number_of, signed_in, user_of
from tests.words.exact import Pages, as_before
from tests.words.pages import main, press
from tests.words.partners import Market, Partner
from tests.words.worlds import (
    DAY,
    MINUTE,
    a_line_dealing_with,
    choice_path,
    newest_choice,
    stop_by_phone,
    stop_everything,
)

pytestmark = pytest.mark.usefixtures("db", "clock")
ASH, BEECH = "https://ashmaps.example", "https://beechmaps.example"


def look(pages: Pages, browser: Browser, made: Sequence[Choice], *, query: str = "", about: str = "") -> None:
    """The whole list, and the page of each, as this browser reads them. `about`: who reads it, or when."""
    pages.look(f"the list {about}".strip(), browser, f"/choices/{query}", of=about)
    page = main(browser, f"/choices/{query}")
    links = [one.attributes["href"] for one in page.all("a", of_class="title")]
    assert links == [choice_path(one) for one in reversed(made)]
    for n, one in enumerate(made):
        pages.look(f"{n} {one.kind} {about}".strip(), browser, choice_path(one))


def say_by_form(browser: Browser, line: Line, path: str, **said: str) -> Choice:
    """What a form of ours sends."""
    answer = browser.post(f"/choices/{path}/", {"line": str(line.public_id), "scope": "all", "ref": "", **said})
    assert answer.status_code == 302, answer.text
    return newest_choice(line)


def say_everything(browser: Browser, line: Line, ash: Partner) -> list[Choice]:
    """A choice of each kind and scope, one after another."""
    return [
        say_by_form(browser, line, "pause", scope="purpose", ref=ROADSIDE, length="7"),
        say_by_form(browser, line, "pause", scope="party", ref=ASH, length="7"),
        say_by_form(browser, line, "pause", length="7"),
        say_by_form(browser, line, "stop", scope="campaign", ref=ash.campaign.ref),
        say_by_form(browser, line, "stop", scope="purpose", ref=FRAUD),
        say_by_form(browser, line, "stop", scope="party", ref=BEECH),
        say_by_form(browser, line, "dispute", scope="party", ref=ASH),
        say_by_form(browser, line, "dispute"),
        say_by_form(browser, line, "stop"),
    ]


def test_whatever_one_says_is_listed_as_it_stands(market: Market) -> None:
    market.a_partner("Beech Link", service="Beech Maps", purpose=FRAUD)
    line, (ash, _beech) = a_line_dealing_with(market, "Ash Link", "Beech Link")
    browser = signed_in(line)
    made = say_everything(browser, line, ash)
    stop_by_phone(line, Browser())
    ash.is_told()
    with as_before("choices_of_every_kind") as pages:
        look(pages, browser, [*made, newest_choice(line)])


def test_a_yes_changes_what_was_said_before_it(market: Market) -> None:
    market.a_partner("Beech Link", service="Beech Maps", purpose=FRAUD)
    line, (ash, beech) = a_line_dealing_with(market, "Ash Link", "Beech Link")
    browser = signed_in(line)
    choices_actions.refuse(line_id=line.pk, campaign=beech.campaign.ref, actor=_me(line), channel="ask")
    made = [newest_choice(line), say_by_form(browser, line, "stop", scope="party", ref=ASH)]
    made.append(say_by_form(browser, line, "pause", length="30"))
    made += [_allow(browser, line, partner) for partner in (ash, beech)]
    ash.is_told()
    beech.is_told()
    ash.signs(below=[ash.signed_below(market.a_company("Ash Maps"))])
    with as_before("choices_changed_by_a_yes") as pages:
        look(pages, browser, made)


def test_what_came_from_files_says_since_when(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    number, now = number_of(line), timezone.now()
    at = {"msisdn": number, "scope": "campaign", "ref": ash.campaign.ref, "channel": "phone"}
    fates = take_choices(
        choice_row(**at, kind="allow", made_at=_text(now - 9 * DAY)),
        choice_row(**at, kind="pause", made_at=_text(now - 8 * DAY), until=_text(now - DAY)),
        choice_row(**at, kind="pause", made_at=_text(now - 7 * DAY), until=_text(now + 2 * DAY)),
        choice_row(**at, kind="stop", made_at=_text(now - 6 * DAY), program="CPNI <b>1998</b>"),
    )
    assert [fate.status for fate in fates] == ["accepted"] * 4
    made = list(Choice.objects.filter(line_id=line.pk).order_by("made_at"))
    browser = signed_in(line)
    with as_before("choices_from_files") as pages:
        look(pages, browser, made)
        with time_machine.travel(now + 3 * DAY, tick=False):
            look(pages, signed_in(line), made, about="three days later")
        # A record of a newer yes changes what a file said, and nothing that the person says.
        take_approvals(approval_row(msisdn=number, campaign=ash.campaign.ref, captured_by=ASH, captured_at=_text(now)))
        with time_machine.travel(now + MINUTE, tick=False):
            look(pages, browser, made, about="after a newer yes")
        other, (ash,) = a_line_dealing_with(market, "Ash Link")
        of_other = {**at, "msisdn": number_of(other)}
        take_choices(choice_row(**of_other, kind="allow", made_at=_text(now - 9 * DAY)))
        look(pages, signed_in(other), [newest_choice(other)], about="of a yes alone")


def test_an_imported_pause_is_as_far_in_the_list_as_on_its_page(market: Market, clock: Clock) -> None:
    """Also where a newer message carries on what it asked, and though the partner deletes nothing for it."""
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    now = timezone.now()
    pause = choice_row(
        msisdn=number_of(line), kind="pause", made_at=_text(now - DAY), until=_text(now + 9 * DAY), channel="phone"
    )
    assert [fate.status for fate in take_choices(pause)] == ["accepted"]
    made = newest_choice(line)

    def is_said() -> tuple[str, str]:
        browser = signed_in(line)
        (listed,) = (one for one in main(browser, "/choices/").all("li") if "Imported" in one.words)
        card = main(browser, choice_path(made)).one("section", id="progress").one("article")
        return listed.words.rpartition(" · ")[2], card.one("header").words

    assert is_said() == ("Message received by 0 of 1 partner", "Ash Link Waiting to send")
    ash.is_told()
    assert is_said() == ("Message received by 1 of 1 partner", "Ash Link Received, not yet signed")
    below = [ash.signed_below(market.a_company("Ash Maps"))]
    ash.signs(below=below)
    assert is_said() == ("Signed by 1 of 1 partner", "Ash Link Signed: stopped")
    clock.move_to(clock.now + MINUTE)
    stop_everything(line)
    assert is_said() == ("Signed by 1 of 1 partner", "Ash Link Signed: stopped")


def test_what_we_did_ourselves_says_that_it_was_us(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    now = timezone.now()
    system_stops.stop_company(line_id=line.pk, party=ASH, after=now, actor="system:anomalies", at=now)
    suspended, browser = newest_choice(line), signed_in(line)
    with as_before("choices_of_ours") as pages:
        look(pages, browser, [suspended])
        look(pages, browser, [suspended, _allow(browser, line, ash)], about="after a yes")


def test_of_what_an_agent_stopped_for_a_child_nobody_reads_that_they_did(market: Market) -> None:
    child, (ash,) = a_line_dealing_with(market, "Ash Link")
    Line.objects.filter(pk=child.pk).update(user_role="minor")
    holder = a_line(account=child.account.carrier_id)
    choices_actions.stop(line_id=child.pk, scope="party", ref=ASH, actor="agent:7", channel="agent")
    ash.is_told()
    made = newest_choice(child)
    for line, query in ((child, ""), (holder, f"?line={child.public_id}")):
        browser = signed_in(line)
        (listed,) = (one.words for one in main(browser, f"/choices/{query}").all("li") if "Receipt" in one.words)
        assert listed.startswith("Ash Maps was stopped")
        assert "Made by a support agent · Receipt" in listed
        assert "A support agent stopped it" in main(browser, f"/home/{query}").words
        for path in (f"/choices/{query}", choice_path(made), f"/home/{query}"):
            assert "You stopped" not in browser.get(path).text
    assert "You stopped Ash Maps" in _listed_of_own(market)


def _listed_of_own(market: Market) -> str:
    """What somebody who is no child reads of the same, with how it came."""
    line, _ = a_line_dealing_with(market, "Ash Link")
    choices_actions.stop(line_id=line.pk, scope="party", ref=ASH, actor="agent:7", channel="agent")
    page = main(signed_in(line), "/choices/").words
    assert "Made for you by a support agent" in page
    return page


def test_child_and_account_holder_read_who_said_it(market: Market) -> None:
    market.a_partner("Beech Link", service="Beech Maps", purpose=FRAUD)
    child, (ash, beech) = a_line_dealing_with(market, "Ash Link", "Beech Link")
    Line.objects.filter(pk=child.pk).update(user_role="minor")
    child.refresh_from_db()
    holder = a_line(account=child.account.carrier_id)
    young, old = signed_in(child), signed_in(holder)
    query = f"?line={child.public_id}"
    choices_actions.refuse(line_id=child.pk, campaign=beech.campaign.ref, actor=_me(child), channel="ask")
    made = [newest_choice(child), *say_everything(young, child, ash)]
    made.append(_allow(old, child, ash, query))
    with as_before("choices_of_a_child") as pages:
        look(pages, young, made, about="the child's")
        look(pages, old, made, query=query, about="the holder's")


def test_delegates_agents_and_a_browser_s_signal_are_named(market: Market) -> None:
    line, (_ash,) = a_line_dealing_with(market, "Ash Link")
    friend, now = a_line(), timezone.now()
    browser, helper = signed_in(line), signed_in(friend)
    asked = delegations.delegate(
        line_id=line.pk, user=user_of(line), msisdn=number_of(friend), may="both", ends_at=now + 9 * DAY, at=now
    )
    press(helper, main(helper, f"/lines/asked/{asked}/"), "Yes, I'll help")
    stops = [say_by_form(helper, line, "stop", scope="party", ref=ASH)]
    choices_actions.stop(line_id=line.pk, scope="purpose", ref=ROADSIDE, actor="agent:7", channel="desk")
    stops.append(newest_choice(line))
    _come_in_with_signal(Browser(), line)
    stops.append(newest_choice(line))
    with as_before("choices_by_others") as pages:
        look(pages, browser, stops)


def test_an_empty_list_explains_itself_a_long_one_goes_on(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    browser = signed_in(line)
    nothing = "/choices/?before=2001-01-01T00:00:00Z_6b0bb6a0-0000-4000-8000-000000000000"
    with as_before("choices_few_and_many") as pages:
        pages.look("none", browser, "/choices/")
        pages.look("nothing older", browser, nothing)
        for n in range(51):  # none of them is another one sent twice
            said: dict[str, Any] = {"scope": "campaign", "ref": ash.campaign.ref, "actor": _me(line)}
            choices_actions.stop(line_id=line.pk, channel=f"web {n}", **said)
        made = list(Choice.objects.filter(line_id=line.pk).order_by("-made_at"))
        page = main(browser, "/choices/")
        links = [one.attributes["href"] for one in page.all("a", of_class="title")]
        assert links == [choice_path(one) for one in made[:50]]
        (older,) = (one for one in page.all("a") if one.words == "Older")
        pages.look("the last one", browser, older.attributes["href"])


def _allow(browser: Browser, line: Line, partner: Partner, query: str = "") -> Choice:
    page = main(browser, f"/choices/allow/?campaign={partner.campaign.ref}{query.replace('?', '&')}")
    assert press(browser, page, f"Allow {partner.campaign.lbs_provider.name}").status_code == 302
    return newest_choice(line)


def _me(line: Line) -> str:
    return f"subscriber:{user_of(line).pk}"


def _text(moment: Any) -> str:
    return str(moment.isoformat().replace("+00:00", "Z"))


def _come_in_with_signal(browser: Browser, line: Line) -> None:
    """Prove the number in a browser that sends Global Privacy Control."""
    signal, number = {"Sec-GPC": "1"}, number_of(line)
    browser.client.post("/accounts/login/", {"number": number}, headers=signal)
    browser.client.post("/accounts/login/code/", {"code": newest_text(number).code}, headers=signal)
