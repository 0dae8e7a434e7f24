"""What is read before a yes and before a pause, why a yes is not possible now, and in what words a use is named."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from django.utils import timezone

from accounts.models import Line
from consent.actions import choices
from consent.workers.archiving import comparison
from partners.models import Suspension
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import number_of, signed_in, user_of
from tests.words.expected import EASTERN, LANGUAGES, PACIFIC, TABLE, Words
from tests.words.pages import assert_reads, main, press
from tests.words.partners import Market, Partner
from tests.words.worlds import DAY, a_line_dealing_with, allow, stop_everything

pytestmark = pytest.mark.usefixtures("db")


def _in_words(say: Words, filled: Mapping[str, str]) -> dict[str, str]:
    """What is filled in, the sentences of the table among it in words."""
    return {key: say(value) if value in TABLE else value for key, value in filled.items()}


def why_of(say: Words, partner: Partner) -> str:
    return say("why_" + partner.campaign.purpose.removeprefix("dpv:"))


def assert_before_yes(
    line: Line,
    ash: Partner,
    rest: Sequence[tuple[str, dict[str, str]]],
    *,
    passed_on: str = "",
    form: bool = False,
) -> None:
    """The whole page in both languages: the facts, then `rest` of the table, then the form if there is one."""
    browser, number = signed_in(line), f"(564) 555-{number_of(line)[-4:]}"
    zone = EASTERN if line.state == "VA" else PACIFIC
    for language in LANGUAGES:
        say = Words(language, zone)
        service = {"name": ash.campaign.lbs_provider.name}
        expected = [
            say("allow_crumb"), say("allow_title", **service),
            say("allow_who"), service["name"], say("allow_through"), ash.name,
            *([say("allow_passed_on"), passed_on] if passed_on else []),
            say("allow_why"), why_of(say, ash), say("allow_in_its_words", words=ash.campaign.description),
            say("allow_how_exact"), say("allow_within_500"),
            say("allow_until_when"), say("allow_ends", day=say.day(ash.campaign.ends_at)),
            say("allow_this_phone"), number,
            *(say(name, **_in_words(say, filled)) for name, filled in rest),
        ]  # fmt: skip
        if form:
            lengths = ("allow_until_stop", "for_an_hour", "for_a_day", "for_30_days", "for_a_year", "until_a_day")
            names = say(
                "and_last",
                some=", ".join([service["name"], ash.name, passed_on][: 2 if passed_on else 1]),
                last=passed_on or ash.name,
            )
            notice = say("notice_of_yes", names=names, why=why_of(say, ash), day=say.day(ash.campaign.ends_at))
            said = [notice, say("allow_only_this")]
            expected += [
                *said, say("allow_how_long"), " ".join(say(one) for one in lengths), say("allow_that_day"),
                *say("allow_yes", **service).split("\n"),
            ]  # fmt: skip
        page = main(browser, f"/choices/allow/?campaign={ash.campaign.ref}", language)
        assert_reads(page, expected, (language, rest))


def test_before_a_yes_it_is_read_who_would_get_what(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    assert_before_yes(line, ash, [("allow_already", {})])
    stop_everything(line)
    assert_before_yes(line, ash, [], form=True)


def test_a_yes_that_is_not_possible_now_says_why(market: Market) -> None:
    past = timezone.now() - DAY
    names = ("Suspended Link", "Silent Link", "Over Link", "Late Link", "Unlawful Link")
    over = market.a_partner("Over Link", service="Over Maps", ends_at=past)
    market.a_partner("Unlawful Link", service="Unlawful Maps", purpose="dpv:SellDataToThirdParties")
    line, partners = a_line_dealing_with(market, *names, released=False, state="VA")
    suspended, silent, _over, late, unlawful = partners
    for partner, automatic in ((suspended, False), (silent, True)):
        Suspension.objects.create(
            of="party", target_id=partner.party.pk, starts_at=past, reason="r", actor="officer:1", automatic=automatic
        )
    ended = a_campaign(late.contract, late.campaign.lbs_provider, ends_at=past)
    an_approval(line, ended, at=past - DAY)
    reasons = {
        "partner_suspended": suspended, "partner_unhealthy": silent, "contract_not_in_force": over,
        "campaign_not_in_force": replace(late, campaign=ended), "jurisdiction_prohibits": unlawful,
    }  # fmt: skip
    for reason, partner in reasons.items():
        assert_before_yes(line, partner, [("so_not_now", {"why": f"reason_{reason}"}), ("allow_back", {})])


def test_while_the_gate_is_closed_no_yes_is_taken(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link", released=False)
    browser = stop_everything(line)
    comparison.close(why="restored")
    for language in LANGUAGES:
        say = Words(language)
        page = main(browser, f"/choices/allow/?campaign={ash.campaign.ref}", language)
        assert page.lines[:2] == [say("closed_now"), say("closed_stays")]
        press(browser, page, say("allow_yes", name="Ash Maps").split("\n")[0])
        assert say("nothing_changed", why=say("reason_restoring")) in main(browser, "/home/", language).lines


def test_a_yes_that_leaves_somebody_out_says_whom_and_passes_on_by_name(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link", released=False)
    named = a_campaign(ash.contract, ash.campaign.lbs_provider, names_recipient=True)
    an_approval(line, named, at=timezone.now() - 90 * DAY)
    ash, bail = replace(ash, campaign=named), market.a_company("BailNow", "end_customer")
    market.reports(ash.release(line, market.a_company("Ash Maps"), bail, at=timezone.now() - DAY))
    stop_everything(line)
    assert_before_yes(line, ash, [], passed_on="BailNow", form=True)
    allow(line, ash)
    choices.stop(line_id=line.pk, scope="party", ref=bail.party.uri, actor="subscriber:1", channel="web")
    assert_before_yes(line, ash, [("allow_not_for", {"names": "BailNow"})], passed_on="BailNow", form=True)


def test_a_pause_says_what_it_is_about_and_how_long_it_may_be(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    browser = signed_in(line)
    for query, about in (("", ""), (f"?scope=party&ref={ash.campaign.lbs_provider.uri}", "Ash Maps")):
        for language in LANGUAGES:
            say = Words(language)
            expected = [
                say("pause_crumb"), say("pause_title", about=about) if about else say("pause_all"),
                say("pause_lead" if about else "pause_lead_all"), say("pause_how_long"),
                " ".join(say(one) for one in ("for_a_day", "for_a_week", "for_30_days", "until_a_day")),
                say("allow_that_day"), say("pause_it" if about else "pause_all"), say("zone", zone=say("pacific")),
            ]  # fmt: skip
            assert_reads(main(browser, f"/choices/pause/{query}", language), expected, (language, about))


def test_every_use_is_named_in_plain_words(market: Market) -> None:
    names = [name.removeprefix("why_") for name in TABLE if name.startswith("why_")]
    line, service, contract = a_line(), a_party("Ash Maps", "lbs_provider"), a_contract(a_party("Ash Link"))
    browser = signed_in(line)
    for name in names:
        a_campaign(contract, service, purpose=f"dpv:{name}")
        actor = f"subscriber:{user_of(line).pk}"
        choices.stop(line_id=line.pk, scope="purpose", ref=f"dpv:{name}", actor=actor, channel="web")
    for language in LANGUAGES:
        say, page = Words(language), main(browser, "/choices/", language)
        read = [one.words for one in page.all("a", of_class="title")]
        assert read == [say("you_stopped_kind", why=say(f"why_{name}")) for name in reversed(names)]
