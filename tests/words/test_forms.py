"""What is read before a yes and before a pause, why a yes is not possible now, and in what words a use is named."""

from dataclasses import replace

import pytest
from django.utils import timezone

from accounts.models import Line
from consent.actions import choices
from consent.workers import archive_comparison
from partners.labels import PURPOSES
from partners.models import Suspension
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import signed_in, user_of
from tests.words.exact import Pages, as_before
from tests.words.pages import main, press
from tests.words.partners import Market, Partner
from tests.words.worlds import DAY, a_line_dealing_with, allow, stop_everything

pytestmark = pytest.mark.usefixtures("db", "clock")


def before_yes(pages: Pages, title: str, line: Line, partner: Partner) -> None:
    pages.look(title, signed_in(line), f"/choices/allow/?campaign={partner.campaign.ref}")


def test_before_a_yes_it_is_read_who_would_get_what(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    with as_before("before_a_yes") as pages:
        before_yes(pages, "allowed already", line, ash)
        stop_everything(line)
        before_yes(pages, "stopped", line, ash)


def test_a_yes_that_is_not_possible_now_says_why(market: Market) -> None:
    past = timezone.now() - DAY
    names = ("Suspended Link", "Silent Link", "Over Link", "Late Link", "Unlawful Link")
    over = market.a_partner("Over Link", service="Over Maps", ends_at=past)
    market.a_partner("Unlawful Link", service="Unlawful Maps", purpose="dpv:SellDataToThirdParties")
    line, partners = a_line_dealing_with(market, *names, released=False, state="VA")
    suspended, silent, _over, late, unlawful = partners
    for partner, automatic in ((suspended, False), (silent, True)):
        Suspension.objects.create(
            of="party", target_id=partner.party.pk, starts_at=past, reason="Due", actor="officer:1", automatic=automatic
        )
    ended = a_campaign(late.contract, late.campaign.lbs_provider, ends_at=past)
    an_approval(line, ended, at=past - DAY)
    with as_before("no_yes_now") as pages:
        for partner in (suspended, silent, over, replace(late, campaign=ended), unlawful):
            before_yes(pages, partner.name, line, partner)


def test_while_the_gate_is_closed_no_yes_is_taken(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link", released=False)
    browser = stop_everything(line)
    archive_comparison.close_gate(why="restored")
    with as_before("no_yes_while_the_gate_is_closed") as pages:
        before_yes(pages, "the form", line, ash)
        press(browser, main(browser, f"/choices/allow/?campaign={ash.campaign.ref}"), "Allow Ash Maps")
        pages.look("the answer", browser, "/home/")


def test_a_yes_says_whom_it_leaves_out(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link", released=False)
    named = a_campaign(ash.contract, ash.campaign.lbs_provider, names_recipient=True)
    an_approval(line, named, at=timezone.now() - 90 * DAY)
    ash, bail = replace(ash, campaign=named), market.a_company("BailNow", "end_customer")
    market.reports(ash.release(line, market.a_company("Ash Maps"), bail, at=timezone.now() - DAY))
    stop_everything(line)
    with as_before("a_yes_that_names_its_recipients") as pages:
        before_yes(pages, "passed on", line, ash)
        allow(line, ash)
        choices.stop(line_id=line.pk, scope="party", ref=bail.party.uri, actor="subscriber:1", channel="web")
        before_yes(pages, "but for one", line, ash)


def test_a_pause_says_of_what_and_how_long(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    browser = signed_in(line)
    with as_before("before_a_pause") as pages:
        pages.look("of all", browser, "/choices/pause/")
        pages.look("of one", browser, f"/choices/pause/?scope=party&ref={ash.campaign.lbs_provider.uri}")


def test_every_use_is_named_in_plain_words(market: Market) -> None:
    line, service, contract = a_line(), a_party("Ash Maps", "lbs_provider"), a_contract(a_party("Ash Link"))
    browser = signed_in(line)
    for name in PURPOSES:
        a_campaign(contract, service, purpose=f"dpv:{name}")
        actor = f"subscriber:{user_of(line).pk}"
        choices.stop(line_id=line.pk, scope="purpose", ref=f"dpv:{name}", actor=actor, channel="web")
    with as_before("every_use") as pages:
        pages.look("choices", browser, "/choices/")
