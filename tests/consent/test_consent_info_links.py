"""The link that CAMARA Consent Info gives: where it leads, whom it tells what, and how often a partner may have one."""

import re
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache

from accounts.clients.texts import MemoryBackend
from accounts.models import Line
from audit.queries import database_clock
from consent.actions import choices
from consent.actions.consent_requests import StatusRateLimited, retrieve_status
from consent.models import Choice, ConsentRequest
from partners.models import Campaign
from revocations.models import Order
from tests.consent.camara import NUMBER, REQUESTED, ask, info, refusal
from tests.consent.claiming import STRANGER, Partner, a_partner, asked, link_in, prove, say_no, say_yes, text_now
from tests.factories import a_campaign, a_line, a_party, an_approval
from tests.feeds import as_at_commit
from tests.moments import begins_at
from tests.people import NO_CODE, Browser, signed_in
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("db", "no_broker")


@pytest.fixture(autouse=True)
def _quick() -> None:
    cache.clear()


@pytest.fixture
def partner(db: None) -> Partner:
    return a_partner()


def test_the_link_leads_to_the_question_and_back(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    back = "https://app.geobridge.example/done?session=abc&x=1"
    path = link_in(ask(partner, requestCaptureUrl=True, callbackUrl=back)["captureUrl"])
    assert "This company sent you here. It stays blocked unless you say yes." in Browser().get(path).text
    browser, _ = prove(path, NUMBER)
    after = browser.get(say_yes(browser, path).url)
    assert 'href="https://app.geobridge.example/done?session=abc&amp;x=1"' in after.text
    assert "Back to <bdi>app.geobridge.example</bdi>" in after.text
    assert "We don't tell it what you answered." in unescape(after.text)
    assert "capture_result" not in after.text
    assert Choice.objects.get(line_id=line.pk).kind == "allow"
    # It ends with the agreement, as the page said.
    assert info(partner) == {"statusValidForProcessing": True, "expirationDate": "2096-01-01T00:00:00.000Z"}
    assert asked(NUMBER) == []
    assert text_now() == 0


def test_the_link_leads_back_after_a_no_too(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    back = "https://app.geobridge.example/done"
    path = link_in(ask(partner, requestCaptureUrl=True, callbackUrl=back)["captureUrl"])
    browser, _ = prove(path, NUMBER)
    after = browser.get(say_no(browser, path).url)
    assert "You said no" in after.text
    assert f'href="{back}"' in after.text


def test_the_same_link_is_given_again(partner: Partner) -> None:
    for number in (NUMBER, STRANGER):
        links = [
            ask(partner, requestCaptureUrl=True, phoneNumber=number, callbackUrl=back)["captureUrl"]
            for back in ("", "", "https://app.geobridge.example/")
        ]
        assert links[0] == links[1] != links[2]
    assert ConsentRequest.objects.count() == 4


def test_a_stranger_s_page_is_a_customer_s_page(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    stopped = a_line(msisdn="+12065550143")
    choices.stop(line_id=stopped.pk, scope="all", actor=f"line:{stopped.pk}", channel="stop_page")
    as_at_commit()
    seen: dict[str, set[str]] = {}
    for number in (NUMBER, "+12065550143", STRANGER):
        path = link_in(ask(partner, requestCaptureUrl=True, phoneNumber=number)["captureUrl"])
        browser = Browser()
        pages = {
            "question": browser.get(path).text, "text": browser.post(f"{path}text/").url,
            "code": browser.get(f"{path}code/").text, "wrong": browser.post(f"{path}code/", {"code": NO_CODE}).text,
            "yes": browser.post(f"{path}yes/").url, "no": browser.post(f"{path}no/").url,
        }  # fmt: skip
        for name, text in pages.items():
            alike = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text.replace(path, "/ask/X/"))
            seen.setdefault(name, set()).add(alike)
    assert {name: len(pages) for name, pages in seen.items()} == dict.fromkeys(seen, 1)


def test_partner_cannot_see_in_its_link_that_somebody_said_no(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    url = ask(partner, requestCaptureUrl=True)["captureUrl"]
    path = link_in(url)
    before = re.sub(r'name="csrf[^>]*', "", Browser().get(path).text)
    browser, _ = prove(path, NUMBER)
    say_no(browser, path)
    as_at_commit()
    assert re.sub(r'name="csrf[^>]*', "", Browser().get(path).text) == before
    assert ask(partner, requestCaptureUrl=True) == {"statusInfo": [
        {"scopes": [partner.campaign.scope], "purpose": partner.campaign.purpose, **REQUESTED}], "captureUrl": url,
    }  # fmt: skip
    assert browser.get(path).status_code == 404
    MemoryBackend.outbox.clear()
    assert Browser().post(f"{path}text/").url == f"{path}code/"
    assert MemoryBackend.outbox == []
    assert Choice.objects.count() == 1


def test_who_stopped_is_not_asked_by_the_link_either(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    choices.stop(line_id=line.pk, scope="all", actor=f"line:{line.pk}", channel="stop_page")
    as_at_commit()
    path = link_in(ask(partner, requestCaptureUrl=True)["captureUrl"])
    assert signed_in(line).get(path).status_code == 404
    MemoryBackend.outbox.clear()
    for _ in range(5):
        assert Browser().post(f"{path}text/").url == f"{path}code/"
    assert MemoryBackend.outbox == []


def test_codes_for_partners_links_count_as_questions(partner: Partner) -> None:
    other = a_partner("NorthLink", provider="FraudShield")
    ours, theirs = (a_campaign(one.campaign.contract, one.campaign.lbs_provider, precision_m=2000)
                    for one in (partner, other))  # fmt: skip
    a_line(msisdn=NUMBER)
    paths = [
        link_in(ask(one, requestCaptureUrl=True, campaign=campaign.ref)["captureUrl"])
        for one, campaign in ((partner, partner.campaign), (partner, ours), (other, other.campaign), (other, theirs))
    ]
    sent = []
    for path in (*paths, paths[0]):
        MemoryBackend.outbox.clear()
        assert Browser().post(f"{path}text/").url == f"{path}code/"
        sent.append(len(MemoryBackend.outbox))
    assert sent == [1, 1, 0, 0, 1]
    other.one(other.claim(campaign=theirs.ref))
    assert text_now() == 0
    browser = signed_in(Line.objects.get())
    assert say_yes(browser, paths[0]).url == f"{paths[0]}answered/"
    MemoryBackend.outbox.clear()
    Browser().post(f"{paths[2]}text/")
    assert len(MemoryBackend.outbox) == 1


# How often a partner may have one.

TOO_OFTEN = (403, "CONSENT_INFO.CAPTURE_FREQUENCY_EXCEEDED")


def ways_back(partner: Partner, number: str, *hosts: str) -> list[tuple[int, str]]:
    """What comes of asking for a link that leads back to each of these paths, one after the other."""
    return [
        refusal(partner, phoneNumber=number, requestCaptureUrl=True, callbackUrl=f"https://app.geobridge.example/{one}")
        for one in hosts
    ]


def test_two_links_a_month_and_the_same_again_without_end(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    stopped = a_line(msisdn="+12065550143")
    choices.stop(line_id=stopped.pk, scope="all", actor=f"line:{stopped.pk}", channel="stop_page")
    as_at_commit()
    given = (200, "None")
    for number in (NUMBER, "+12065550143", STRANGER):
        assert ways_back(partner, number, "1", "2", "3", "2", "1") == [given, given, TOO_OFTEN, given, given]
        assert info(partner, phoneNumber=number) == REQUESTED
    now = database_clock()
    tried = [retrieved(partner, partner.campaign, now + timedelta(days=days)) for days in (30, 32)]
    assert tried == ["too often", "given"]


def test_what_another_partner_asked_says_nothing_to_this_one(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    other = a_partner("NorthLink", provider="FraudShield")
    for back in ("https://app.northlink.example/1", "https://app.northlink.example/2"):
        ask(other, requestCaptureUrl=True, callbackUrl=back)
    assert ways_back(partner, NUMBER, "1", "2") == [(200, "None")] * 2


def test_link_that_was_answered_with_yes_is_none_of_two(partner: Partner) -> None:
    a_line(msisdn=NUMBER)
    contract, provider = partner.campaign.contract, partner.campaign.lbs_provider
    more = [a_campaign(contract, provider, precision_m=metres) for metres in (2000, 3000)]
    path = link_in(ask(partner, requestCaptureUrl=True, campaign=partner.campaign.ref)["captureUrl"])
    browser, _ = prove(path, NUMBER)
    say_yes(browser, path)
    answers = [refusal(partner, requestCaptureUrl=True, campaign=one.ref)[0] for one in more]
    assert answers == [200, 200]


def test_after_a_no_it_has_no_link_for_a_year(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    an_approval(line, partner.campaign)
    other = a_campaign(partner.campaign.contract, a_party("MedAlert", "lbs_provider"))
    said: dict[str, Any] = {"line_id": line.pk, "actor": "subscriber:1", "channel": "web"}

    def is_given_again() -> bool:
        told = Order.objects.get(line_id=line.pk).queued_at
        return begins_at(lambda at: retrieved(partner, other, at) == "given", told + timedelta(days=366))

    with undone():
        choices.stop(scope="campaign", ref=partner.campaign.ref, **said)
        assert is_given_again()
    choices.refuse(campaign=partner.campaign.ref, **said)
    assert refusal(partner, campaign=other.ref) == (200, "None")
    assert refusal(partner, campaign=other.ref, requestCaptureUrl=True) == TOO_OFTEN
    assert ConsentRequest.objects.count() == 0
    # Where the no itself is what is told, CAMARA's answer has no link.
    assert "captureUrl" not in ask(partner, requestCaptureUrl=True, campaign=partner.campaign.ref)
    assert is_given_again()
    # Nor for what the person once agreed to and which is over.
    an_approval(line, other, expires_at=database_clock() - timedelta(days=1))
    assert info(partner, campaign=other.ref)["statusReason"] == "EXPIRED"
    assert is_given_again()


def retrieved(partner: Partner, campaign: Campaign, at: datetime) -> str:
    """What comes of asking for a link at a moment."""
    try:
        found = retrieve_status(
            client_id="c", party_id=partner.party.pk, msisdn=NUMBER, scopes=[campaign.scope], purpose=campaign.purpose,
            campaign=campaign.ref, capture=True, callback="", at=at,
        )  # fmt: skip
    except StatusRateLimited:
        return "too often"
    return "given" if found.token else "none"


def test_a_no_to_somebody_else(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    elsewhere = a_partner("NorthLink", provider="FraudShield")
    an_approval(line, elsewhere.campaign)
    said: dict[str, Any] = {"line_id": line.pk, "actor": "subscriber:1", "channel": "web"}
    choices.refuse(campaign=elsewhere.campaign.ref, **said)
    assert refusal(partner, requestCaptureUrl=True) == (200, "None")
    other = a_campaign(partner.campaign.contract, a_party("MedAlert", "lbs_provider"))
    an_approval(line, partner.campaign)
    choices.pause(scope="campaign", ref=partner.campaign.ref, until=database_clock() + timedelta(days=1), **said)
    assert refusal(partner, requestCaptureUrl=True, campaign=other.ref) == (200, "None")
