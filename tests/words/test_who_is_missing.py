"""A company that has not signed is named wherever companies may be named, counted where not, and told to no partner."""

import json
from datetime import timedelta
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from pypdf import PdfReader

from console.queries.evidence_packs import build_report
from revocations.models import Order
from support.models import Ticket
from tests.people import Browser, signed_in
from tests.support.officers import searched, shown, staff
from tests.words.expected import LANGUAGES, Words
from tests.words.pages import main, press, read
from tests.words.partners import CHANGE, Market, Partner, claims_of
from tests.words.worlds import DAY, a_line_dealing_with, choice_path, newest_choice, stop_by_phone

pytestmark = pytest.mark.usefixtures("db")


def signed_for_all_but_one(market: Market, ash: Partner) -> None:
    """Of two that had the location one signs, and two that we did not know; the other is only said to have done it."""
    known, gone, three, four = (market.a_company(name) for name in ("Ash Maps", "Gone", "Three", "Four"))
    ash.signs(below=[ash.signed_below(known), ash.signed_below(three), ash.signed_below(four), ash.said_below(gone)])


def test_who_has_not_signed_is_named_but_behind_the_link(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    service, gone = market.a_company("Ash Maps"), market.a_company("Gone")
    market.reports(ash.release(line, service, gone, at=timezone.now() - 2 * DAY))
    link = stop_by_phone(line, Browser())
    stop = newest_choice(line)
    ash.is_told()
    signed_for_all_but_one(market, ash)
    browser, page = signed_in(line), choice_path(stop)
    press(browser, main(browser, f"/help/ask/choice/{stop.id}/"), "Send", message="How far?")
    agent, officer = Browser(), staff(name="who is missing")
    agent.client = staff("agent", name="agent for the missing").client
    order = ash.orders[0]
    desk = f"/desk/{Ticket.objects.get(line_id=line.pk).code}/"
    for language in LANGUAGES:
        say = Words(language)
        missing = say.counted("missing", 1, names="Gone")
        so_did = say.counted("so_did", 3, names="Ash Maps, Four, Three")
        in_part = f"{say('signed_for_a_part', party='Ash Link')} {missing}"
        by_word = say.counted("by_word", 1, party="Ash Link", names="Gone")
        whole = f"{say('deletion_signed', party='Ash Link')}{so_did} {by_word} {missing}"
        expected = {
            (browser, page): whole,
            (browser, "/choices/"): in_part,
            (browser, "/home/"): in_part,
            (browser, f"/companies/{service.party.pk}/"): whole,
            (browser, f"{page}receipt/"): in_part,
            (agent, desk): missing,
        }
        for (reader, path), words in expected.items():
            assert words in main(reader, path, language).words, (language, path)
        paper = PdfReader(BytesIO(browser.client.get(f"{page}receipt.pdf").content)).pages
        printed = "".join(one.extract_text() for one in paper).translate(dict.fromkeys(map(ord, "\u2066\u2068\u2069")))
        assert in_part in " ".join(printed.split())
        counted = main(Browser(), link, language)
        assert (say("count_in_part"), "1") in counted.pairs
        assert f"{say.counted('below_signed', 3)} {say.counted('below_missing', 1)}" in counted.lines
        assert "Gone" not in counted.words
        # Not "Ash" alone: the letters of a signed receipt may happen to spell that.
        assert "Ash Link" not in counted.words
        assert "Ash Maps" not in counted.words
    (said,) = browser.client.get(f"{page}receipt.json").json()["partners"]
    assert (said["state"], [one["name"] for one in said["below"]["not_signed"]]) == ("partial", ["Gone"])
    assert [one["name"] for one in said["below"]["signed"]] == ["Ash Maps", "Four", "Three"]
    path = f"/admin/streams/{ash.party.pk}/orders/{Order.objects.get(jti=order.jti).id}/"
    console = read(officer.client.post(path, {"kind": "call", "reason": "They called."}).content.decode()).one("main")
    assert Words("en")("o_has_not_signed", name="Gone", uri=gone.party.uri).replace("(bad) ", "") in console.words
    # Once: not among those, too, who are only said to have done it.
    assert console.words.count(f"Gone {gone.party.uri}") == 1
    assert (
        Words("en")("o_signed_by_itself", name="Three", uri="https://three.example", day=f"{timezone.now():%-d %b %Y}")
        in console.words
    )


@pytest.mark.parametrize("signed_to", [(), (0,), (0, 1)])
def test_a_company_behind_two_partners_is_counted_once(market: Market, signed_to: tuple[int, ...]) -> None:
    """It has signed once it signed to both; a partner's word counts for nothing."""
    line, partners = a_line_dealing_with(market, "Ash Link", "Birch Link", released=False)
    both = market.a_company("Both")
    market.reports(*(one.release(line, both, at=timezone.now() - DAY) for one in partners))
    link = stop_by_phone(line, Browser())
    for place, one in enumerate(partners):
        one.is_told()
        one.signs(below=[one.signed_below(both) if place in signed_to else one.said_below(both)])
    whole = len(signed_to) == len(partners)
    for language in LANGUAGES:
        say = Words(language)
        told = [say.counted("below_signed", int(whole)), *([] if whole else [say.counted("below_missing", 1)])]
        assert " ".join(told) in main(Browser(), link, language).lines
    file = signed_in(line).client.get(f"{choice_path(newest_choice(line))}receipt.json").content
    checked = Browser().client.post("/check-a-receipt/", {"file": SimpleUploadedFile("receipt.json", file)})
    assert read(checked.content.decode()).one("main").lines.count("Both") == (not whole)


def test_companies_that_nobody_can_name_count_as_one(market: Market) -> None:
    line, partners = a_line_dealing_with(market, "Ash Link", "Birch Link", released=False)
    market.reports(*(one.release(line, "unknown", at=timezone.now() - DAY) for one in partners))
    link = stop_by_phone(line, Browser())
    for one in partners:
        one.is_told()
        one.signs()
    for language in LANGUAGES:
        say = Words(language)
        told = f"{say.counted('below_signed', 0)} {say.counted('below_missing', 1)}"
        assert told in main(Browser(), link, language).lines
    file = signed_in(line).client.get(f"{choice_path(newest_choice(line))}receipt.json").content
    checked = Browser().client.post("/check-a-receipt/", {"file": SimpleUploadedFile("receipt.json", file)})
    assert read(checked.content.decode()).one("main").lines.count("a company we can't name") == 1


def count_orders_in_pack(one: Partner) -> list[tuple[object, ...]]:
    """What the evidence pack of a company says of its orders."""
    pack = build_report(kind="company", ref=str(one.party.pk), who="Ann", at=timezone.now())
    assert pack
    (orders,) = (section for section in pack.sections if section.heading == "Orders to stop")
    return [tuple(row) for row in orders.rows]


def test_staff_read_everywhere_who_is_missing_by_now(market: Market) -> None:
    """A partner signed for a part, another for all; then the gateway reports to whom both had passed it on before."""
    line, partners = a_line_dealing_with(market, "Ash Link", "Birch Link", released=False)
    first, later = market.a_company("First"), market.a_company("Later")
    market.reports(*(one.release(line, first, at=timezone.now() - DAY) for one in partners))
    stop_by_phone(line, Browser())
    for one in partners:
        one.is_told()
        one.signs(below=[one.signed_below(first)] if one.name == "Birch Link" else [])
    market.reports(*(one.release(line, later, at=timezone.now() - 2 * DAY) for one in partners))
    officer = staff(name="what is missing by now")
    behind = (
        f"2 of 2 companies behind it have not signed: {first.name}, {later.name}",
        f"1 of 2 companies behind it has not signed: {later.name}",
    )
    for one, missing in zip(partners, behind, strict=True):
        order = Order.objects.get(jti=one.orders[0].jti)
        path, said = f"/admin/streams/{one.party.pk}/", f"Signed in part {missing}"
        page = officer.client.post(f"{path}orders/{order.id}/", {"kind": "call", "reason": "They called."})
        told = read(page.content.decode()).one("main").words
        assert ("Stop 1.1 Signed in part" in told, f"{missing} Progress" in told) == (True, True)
        assert said in shown(officer, path)
        assert f"{one.name}, Signed in part" in shown(officer, searched(officer, str(order.id)))
        assert (said in shown(officer, f"/admin/orders/?company={one.party.pk}")) == (one.name == "Ash Link")
        told_anew = [("Waiting to send", "1")] if one.name == "Birch Link" else []
        assert count_orders_in_pack(one) == [*told_anew, ("Signed in part", "1")]


def test_what_a_partner_is_sent_lists_nobody_below_it(market: Market) -> None:
    line, (ash,) = a_line_dealing_with(market, "Ash Link")
    gone = market.a_company("Gone")
    market.reports(ash.release(line, market.a_company("Ash Maps"), gone, at=timezone.now() - 2 * DAY))
    stop_by_phone(line, Browser())
    ash.is_told()
    signed_for_all_but_one(market, ash)
    market.reports(ash.release(line, market.a_company("Later"), at=timezone.now() - DAY))
    ash.is_told(after=timedelta(seconds=2))
    sent = [json.dumps(claims_of(one.decode())) for one in ash.pushed(CHANGE)]
    assert sent
    assert [uri for uri in ("gone", "later", "three") if any(uri in one for one in sent)] == []
