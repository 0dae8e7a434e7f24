"""What a person read before a choice: named companies, the officers' newest wording, kept word for word."""

import json
import re
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.utils import timezone, translation

from accounts.models import Line
from audit.queries import database_clock
from consent.actions import choices
from consent.domain import notices
from consent.models import Choice, ChoiceReceipt, Notice
from partners.actions.notices import propose_notice
from partners.models import Campaign, NoticeText, Party, Reach
from tests.factories import NOW, a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import Browser, newest_text, number_of, signed_in
from tests.staff import a_notice, an_actor

pytestmark = pytest.mark.usefixtures("db", "no_broker")
BODY = "{companies} would see you. {purpose}. {precision}. {until}. Say no."


def a_use(**fields: Any) -> Campaign:
    campaign = a_campaign(a_contract(), a_party("RoadAid", "lbs_provider"), **fields)
    Reach.objects.create(campaign=campaign, party=a_party("Tow Co", "end_customer"))
    return campaign


def stopped(campaign: Campaign) -> Line:
    line = a_line()
    an_approval(line, campaign)
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    return line


def newest(line: Line) -> Choice:
    return Choice.objects.filter(line_id=line.pk).order_by("-made_at")[0]


def digest_on(page: str) -> str:
    (found,) = re.findall(r'name="notice" value="([0-9a-f]{64})"', page)
    return str(found)


def claims(line: Line) -> dict[str, object]:
    token = ChoiceReceipt.objects.get(line_id=line.pk, choice_id=newest(line).id).token.split(".")[1]
    found = json.loads(urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    assert isinstance(found, dict)
    return found


def test_the_notice_names_everybody_who_would_receive_it() -> None:
    campaign = a_use(ends_at=datetime(2094, 5, 3, tzinfo=UTC))
    assert notices.build_approval_notice(campaign=campaign.ref).body == (
        "If you allow this, RoadAid, GeoBridge and Tow Co may find your phone for one purpose only:"
        " To give you a service you asked for. How exact: within about 500 m. Until: the day you choose, but no later"
        " than May 3, 2094. If you say no, nothing changes about your phone service. You can stop it"
        " at any time."
    )
    asked = notices.build_approval_notice(campaign=campaign.ref, use="ask", until=datetime(2093, 1, 2, tzinfo=UTC))
    assert "RoadAid, GeoBridge and Tow Co may find" in asked.body
    assert "Until: Jan 2, 2093, 12:00 AM (universal time (UTC))." in asked.body
    never_longer = notices.build_approval_notice(
        campaign=campaign.ref, use="ask", until=datetime(2095, 1, 2, tzinfo=UTC)
    )
    assert "Until: May 3, 2094, 12:00 AM (universal time (UTC))." in never_longer.body


def test_company_that_cannot_be_named_is_said_to_be_there() -> None:
    campaign = a_use()
    # Who is known to pass it on, or to ask for it, is not behind itself.
    for party in (Party.objects.get(uri="unknown"), campaign.contract.aggregator, campaign.lbs_provider):
        Reach.objects.create(campaign=campaign, party=party)
    assert [one.name for one in notices.companies_of(campaign=campaign)] == [
        "RoadAid", "GeoBridge", "a company we can't name", "Tow Co",
    ]  # fmt: skip


def test_a_long_list_is_whole_beside_the_sentence() -> None:
    campaign = a_use()
    for n in range(20):
        Reach.objects.create(campaign=campaign, party=a_party(f"Firm {n:02}", "end_customer"))
    notice = notices.build_approval_notice(campaign=campaign.ref)
    assert "Firm 09 and 11 more companies may find" in notice.body
    assert len(notice.recipients) == 21
    assert len(notice.body) < 4000


def test_the_newest_wording_in_the_readers_language_else_in_ours() -> None:
    campaign = a_use()
    first = notices.build_approval_notice(campaign=campaign.ref)
    a_notice(BODY, use="allow", at=database_clock())
    second = notices.build_approval_notice(campaign=campaign.ref)
    assert (first.version, second.version) == (3, 4)
    assert second.body.startswith("RoadAid, GeoBridge and Tow Co would see you. ")
    assert first.digest != second.digest
    with translation.override("es"):
        spanish = notices.build_approval_notice(campaign=campaign.ref)
    assert (spanish.language, spanish.version) == ("es", 3)
    with translation.override("fr"):
        assert notices.build_approval_notice(campaign=campaign.ref).language == "en"


def test_wording_that_leaves_out_what_must_be_said_is_refused() -> None:
    officer = an_actor()
    for use, body in (
        ("allow", "Say yes."), ("allow", BODY + " {until}"), ("allow", BODY + " {line}"),
        ("allow", BODY.replace("{until}", "{until.__class__}")), ("allow", BODY + " {"),
        ("ask", BODY.replace("{companies}", "They")), ("stop", BODY), ("stop", ""), ("stop", "x" * 1501),
        ("other", "x"),
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            propose_notice(use=use, language="en", body=body, starts_at=NOW, reason="Due", actor=officer, at=NOW)
    longest = propose_notice(
        use="stop", language="en", body="x" * 1500, starts_at=NOW, reason="Due", actor=officer, at=NOW
    )
    assert longest.payload["body"] == "x" * 1500
    # Three of a yes and of a stop, and two of a question.
    assert NoticeText.objects.count() == (3 + 3 + 2) * len(settings.LANGUAGES)


def test_a_published_notice_and_a_kept_one_never_change() -> None:
    notices.store_notice(notice=notices.build_stop_notice(), at=NOW)
    for table in (NoticeText, Notice):
        with pytest.raises(DatabaseError), transaction.atomic():
            table.objects.update(body="other")


def test_a_name_with_braces_is_a_name() -> None:
    campaign = a_campaign(a_contract(), a_party("Evil", "lbs_provider"))
    Party.objects.filter(uri="https://evil.example").update(name="{until} Ltd")
    assert "{until} Ltd and GeoBridge may find" in notices.build_approval_notice(campaign=campaign.ref).body


def test_what_was_read_is_kept_with_the_yes_shown_later() -> None:
    campaign = a_use()
    line = stopped(campaign)
    browser = signed_in(line)
    page = browser.get(f"/choices/allow/?campaign={campaign.ref}").text
    shown = notices.build_approval_notice(campaign=campaign.ref)
    with timezone.override("America/Los_Angeles"):
        assert notices.build_approval_notice(campaign=campaign.ref).body in page
    made = browser.post(
        "/choices/allow/", {"campaign": campaign.ref, "days": "30", "notice": digest_on(page)}, follow=True
    ).text
    kept = Notice.objects.get()
    assert (newest(line).kind, newest(line).notice, digest_on(page)) == ("allow", kept.digest, kept.digest)
    assert [one["uri"] for one in kept.companies] == [one.uri for one in shown.companies]
    assert "The notice you read before choosing" in made
    assert f'<p lang="en" dir="auto">{kept.body}</p>' in made
    assert kept.digest in made
    assert claims(line)["notice"] == kept.digest


def test_one_wording_is_kept_once() -> None:
    campaign = a_use()
    shown = notices.build_approval_notice(campaign=campaign.ref)
    for _ in range(2):
        line = stopped(campaign)
        choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web", notice=shown)
        assert newest(line).notice == shown.digest
    assert Notice.objects.count() == 1


@pytest.mark.parametrize("grown", [True, False])
def test_a_company_that_joined_meanwhile_shows_the_page_again(*, grown: bool) -> None:
    campaign = a_use()
    line = stopped(campaign)
    browser = signed_in(line)
    page = browser.get(f"/choices/allow/?campaign={campaign.ref}").text
    if grown:
        Reach.objects.create(campaign=campaign, party=a_party("Bounty", "end_customer"))
    read = digest_on(page) if grown else "0" * 64
    answer = browser.post("/choices/allow/", {"campaign": campaign.ref, "days": "30", "notice": read})
    assert answer.status_code == 200
    assert "changed after you opened this page. Nothing was allowed." in answer.text
    assert newest(line).kind == "stop"
    assert ("Bounty" in answer.text) is grown
    answer = browser.post("/choices/allow/", {"campaign": campaign.ref, "days": "30", "notice": digest_on(answer.text)})
    assert (answer.status_code, newest(line).kind) == (302, "allow")


def test_a_company_that_joined_meanwhile_is_not_agreed_to() -> None:
    campaign = a_use()
    line = stopped(campaign)
    shown = notices.build_approval_notice(campaign=campaign.ref)
    Reach.objects.create(campaign=campaign, party=a_party("Bounty", "end_customer"))
    with pytest.raises(notices.NoticeChanged):
        choices.allow(line_id=line.pk, campaign=campaign.ref, actor="subscriber:1", channel="web", notice=shown)
    assert (newest(line).kind, Notice.objects.exists()) == ("stop", False)


@pytest.mark.parametrize("as_shown", [True, False])
def test_stop_keeps_what_was_read_and_is_taken_whatever_was(*, as_shown: bool) -> None:
    line = a_line()
    browser, msisdn = Browser(), number_of(line)
    browser.post("/stop/", {"number": msisdn})
    browser.post("/stop/code/", {"code": newest_text(msisdn).code})
    page = browser.get("/stop/all/").text
    assert notices.build_stop_notice().body in page
    posted = {"stop-all": "1", **({"notice": digest_on(page)} if as_shown else {})}
    assert browser.post("/stop/all/", posted).status_code == 302
    made = newest(line)
    assert (made.kind, made.notice) == ("stop", digest_on(page) if as_shown else "")
    assert claims(line).get("notice", "") == made.notice


def test_a_child_reads_before_a_stop_who_can_allow_again() -> None:
    who = "Only the account holder can allow sharing on this line."
    by_holder = (
        "Services like roadside or medical help can't find you until the account holder allows them again."
        " 911 still can."
    )
    by_anyone = "can't find you until they're allowed again. 911 still can."
    read = []
    for role in ("minor", "user"):
        browser, msisdn = Browser(), number_of(a_line(account="A-1", role=role))
        browser.post("/stop/", {"number": msisdn})
        browser.post("/stop/code/", {"code": newest_text(msisdn).code})
        page = browser.get("/stop/all/").text
        read.append([said in page for said in (who, by_holder, by_anyone)])
    assert read == [[True, True, False], [False, False, True]]


def test_the_button_at_home_keeps_what_stood_beside_it() -> None:
    line = a_line()
    campaign = a_use()
    an_approval(line, campaign)
    browser = signed_in(line)
    page = browser.get("/home/").text
    assert notices.build_stop_notice().body in page
    browser.post("/choices/stop/", {"scope": "party", "ref": campaign.lbs_provider.uri})
    assert newest(line).notice == ""
    made = browser.post("/choices/stop/", {"scope": "all", "notice": digest_on(page)}, follow=True).text
    assert newest(line).notice == digest_on(page) == notices.build_stop_notice().digest
    assert "The notice you read before choosing" in made


def test_a_choice_without_a_notice_says_nothing_of_one() -> None:
    line = stopped(a_use())
    made = signed_in(line).get(f"/choices/{newest(line).id}/").text
    assert "The notice you read" not in made
    assert "notice" not in claims(line)
    assert timedelta(0) <= timezone.now() - newest(line).made_at
