"""Promise 7. Each person sees only their own: lines, tenures, adults, children, recycled numbers."""

import re
from datetime import timedelta
from html import unescape
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts import queries
from accounts.actions.line_separation import request_separation
from accounts.actions.people import end_tenures
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, LineNumber, LineUser
from accounts.primitives.sealing import number_hash, seal
from accounts.primitives.zones import zone_of
from audit.actions import record
from consent.actions.choices import allow, stop
from consent.domain.notices import build_approval_notice
from consent.domain.snapshots import reason_against
from consent.models import Choice
from revocations.models import Order
from tests.consent.claiming import a_partner, asked, link_in, text_now
from tests.factories import a_campaign, a_line, a_party
from tests.feeds import Row, line_row, take_lines, told
from tests.people import Browser, newest_text, number_of, sign_in_by_code, signed_in, texts_to, user_of
from tests.walks.marks import tells

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")

SENTENCE = "This line belongs to the person who uses it."
OWN_PAGES = (
    "/lines/", "/access-log/", "/home/", "/history/", "/history/download.csv", "/history/download.json", "/choices/",
    "/access-log/companies/", "/settings/archive/", "/settings/archive/progress/",
)  # fmt: skip


def marked(line: Line) -> str:
    """Something only this line's own log holds."""
    marker = f"reason-{uuid4().hex}"
    record(
        action="line.seen", actor="agent:1", target=f"line:{line.pk}", line_id=line.pk, at=timezone.now(), reason=marker
    )
    return marker


def of_line(page: str, line: Line) -> str:
    return f"{page}?line={line.public_id}"


def posted(line: Line, campaign: str) -> dict[str, str]:
    """What the forms of stop, dispute, pause and allow send."""
    said = {"scope": "campaign", "ref": campaign, "campaign": campaign, "length": "7", "days": "30", "allow": "1"}
    return {"line": str(line.public_id), **said}


def alike(page: str) -> str:
    """A page without its secrets and without the address that was asked for."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"|line=[0-9a-f-]{36}', "", page)


def test_nobody_is_sent_to_sign_in_and_shown_nothing() -> None:
    line = a_line()
    marker = marked(line)
    for page in OWN_PAGES:
        answer = Browser().get(of_line(page, line))
        assert (page, answer.status_code, marker in answer.text) == (page, 302, False)
        assert answer.url.startswith("/accounts/login/?next=")


def test_a_code_alone_shows_nothing() -> None:
    line = a_line()
    marker, browser = marked(line), sign_in_by_code(line)
    for page in OWN_PAGES:
        answer = browser.get(page)
        assert (page, answer.status_code, marker in answer.text) == (page, 302, False)
        assert answer.url.startswith("/accounts/password/set/?next=")


def test_another_persons_line_is_a_line_that_does_not_exist() -> None:
    mine, foreign = a_line(), a_line()
    marker, browser = marked(foreign), signed_in(mine)
    for page in OWN_PAGES:
        answers = [browser.get(of_line(page, foreign)), browser.get(f"{page}?line={uuid4()}")]
        assert (page, [answer.status_code for answer in answers]) == (page, [404, 404])
        assert alike(answers[0].text) == alike(answers[1].text)
        assert marker not in answers[0].text
    assert marker in signed_in(foreign).get("/access-log/").text


def test_the_holder_is_a_stranger_to_an_adults_line() -> None:
    holder = a_line(account="A-1")
    browser = signed_in(holder)
    for role in ("user", "unheard of"):
        adult = a_line(account="A-1", role=role)
        marker = marked(adult)
        for page in OWN_PAGES:
            answer = browser.get(of_line(page, adult))
            assert (role, page, answer.status_code, marker in answer.text) == (role, page, 404, False)


def test_a_minors_line_is_its_holders_until_it_is_grown() -> None:
    holder, minor = a_line(msisdn="+12065550142", account="A-1"), a_line(account="A-1", role="minor")
    marker, of_holder = marked(minor), marked(holder)
    child, browser = signed_in(minor), signed_in(holder)
    assert marker in child.get("/access-log/").text
    assert marker in browser.get(of_line("/access-log/", minor)).text
    assert marker not in browser.get("/access-log/").text
    answer = child.get(of_line("/access-log/", holder))
    assert (answer.status_code, of_holder in answer.text) == (404, False)
    assert [tells(child.get("/lines/").text, number_of(line)) for line in (holder, minor)] == [False, True]
    # At once, its past included.
    Line.objects.filter(pk=minor.pk).update(user_role="user")
    assert browser.get(of_line("/access-log/", minor)).status_code == 404
    assert SENTENCE in browser.get("/lines/").text


def test_the_next_holder_starts_empty_the_last_is_out() -> None:
    now = timezone.now()
    first = a_line()
    msisdn = number_of(first)
    marker = marked(first)
    old = signed_in(first)
    old_user = user_of(first)
    Line.objects.filter(pk=first.pk).update(deactivated_at=now)
    LineNumber.objects.filter(line=first).update(ends_at=now)
    assert old.get("/access-log/").status_code == 403
    end_tenures(line_ids=[first.pk], at=now)
    assert old.get("/access-log/").status_code == 302

    second = a_line(msisdn=msisdn, activated_at=now + timedelta(microseconds=1))
    new = signed_in(second)
    assert user_of(second) != old_user
    assert marker not in new.get("/access-log/").text
    assert new.get(of_line("/access-log/", first)).status_code == 404
    assert LineUser.objects.filter(until__isnull=True).count() == 1


def test_a_code_of_the_last_holder_is_no_use_afterwards() -> None:
    now = timezone.now()
    first = a_line()
    msisdn = number_of(first)
    browser = Browser()
    browser.post("/accounts/login/", {"number": msisdn})
    code = newest_text(msisdn).code
    Line.objects.filter(pk=first.pk).update(deactivated_at=now)
    LineNumber.objects.filter(line=first).update(ends_at=now)
    a_line(msisdn=msisdn, activated_at=now + timedelta(microseconds=1))
    assert browser.post("/accounts/login/code/", {"code": code}).status_code == 200
    assert LineUser.objects.count() == 0


def test_a_change_of_number_keeps_the_line_and_its_person() -> None:
    now = timezone.now()
    line = a_line()
    signed_in(line)
    user, marker = user_of(line), marked(line)
    LineNumber.objects.filter(line=line).update(ends_at=now)
    LineNumber.objects.create(
        line=line, msisdn_hash=number_hash("+12065559876"), msisdn_sealed=seal("+12065559876"), starts_at=now
    )
    browser = signed_in(line)
    assert number_of(line) == "+12065559876"
    assert user_of(line) == user
    assert marker in browser.get("/access-log/").text
    assert "(206) 555-9876" in browser.get("/lines/").text


def test_nothing_personal_stands_in_an_address() -> None:
    line = a_line(account="A-1")
    child = a_line(account="A-1", role="minor")
    page = signed_in(line).get("/lines/").text
    addresses = " ".join(re.findall(r'(?:href|action)="([^"]*)"', page))
    for who in (line, child):
        assert who.carrier_id not in addresses
        assert number_of(who).removeprefix("+1") not in addresses
        assert str(who.public_id) in addresses


def test_staff_are_no_subscribers() -> None:
    line = a_line()
    browser = signed_in(line)
    user = user_of(line)
    user.role = user.Role.AGENT
    user.save()
    assert queries.list_visible_lines(user=user, at=timezone.now())
    assert browser.get("/access-log/").status_code == 403


# Before what tightens, what loosens.
VERBS = ("allow", "pause", "stop", "dispute")


def test_a_minor_stops_and_pauses_and_does_not_allow() -> None:
    minor, campaign = a_line(account="A-1", role="minor"), a_campaign()
    browser = signed_in(minor)
    found = [(browser.post(f"/choices/{verb}/", posted(minor, campaign.ref)).status_code, Choice.objects.count())
             for verb in VERBS]  # fmt: skip
    assert found == [(403, 0), (302, 1), (302, 2), (302, 3)]


def test_the_holder_decides_about_a_minors_line() -> None:
    holder, minor, campaign = a_line(account="A-1"), a_line(account="A-1", role="minor"), a_campaign()
    browser = signed_in(holder)
    with timezone.override(zone_of(minor.state)):
        read = build_approval_notice(campaign=campaign.ref).digest
    for n, verb in enumerate(VERBS, start=1):
        answer = browser.post(f"/choices/{verb}/", {**posted(minor, campaign.ref), "notice": read})
        assert (verb, answer.status_code, Choice.objects.filter(line_id=minor.pk).count()) == (verb, 302, n)


def test_a_line_is_told_what_its_holder_does() -> None:
    holder, minor, second = a_line(account="A-1"), a_line(account="A-1", role="minor"), a_line(account="A-1")
    browser, campaign = signed_in(holder), a_campaign(provider=a_party("RoadAid", "lbs_provider"))
    actor = f"subscriber:{user_of(holder).pk}"
    allow(line_id=minor.pk, campaign=campaign.ref, actor=actor, channel="web")
    told = newest_text(number_of(minor)).text
    assert "the account holder changed who may get this phone's location" in told
    assert "RoadAid" not in told
    before = len(MemoryBackend.outbox)
    allow(line_id=holder.pk, campaign=campaign.ref, actor=actor, channel="web")
    assert len(MemoryBackend.outbox) == before
    signed_in(second)
    before = len(texts_to(number_of(second)))
    assert browser.post("/choices/stop/", posted(second, campaign.ref)).status_code == 302
    assert Choice.objects.get(line_id=second.pk).actor == actor
    (text,) = texts_to(number_of(second))[before:]
    assert "the account holder changed who may get this phone's location" in text.text


def test_no_file_makes_the_holder_an_adult_s_reader() -> None:
    ann = line_row(line_id="LA", msisdn="+12065550177", holder_name="Ann Marsh")
    adult = line_row(line_id="LB", msisdn="+12065550188", holder_name="Ann Marsh", user_role="user")
    take_lines(ann, adult)
    holder, line = Line.objects.get(carrier_id="LA"), Line.objects.get(carrier_id="LB")
    marker, browser = marked(line), signed_in(holder)
    assert told(take_lines(adult | {"user_role": "holder"})) == [("rejected", "user_role", "needs_new_line_id")]
    for page in ("/choices/", "/access-log/", "/history/"):
        answer = browser.get(of_line(page, line))
        assert (answer.status_code, marker in answer.text) == (404, False)
    assert browser.post("/choices/stop/", posted(line, a_campaign().ref)).status_code == 404


@pytest.mark.parametrize(
    "grown", [{"user_role": "user"}, {"user_role": "holder", "account_id": "A2", "holder_name": "Li"}]
)
def test_the_holder_s_yes_ends_when_the_child_is_grown(grown: Row) -> None:
    row = line_row(line_id="LB", msisdn="+12065550188", user_role="minor")
    take_lines(line_row(line_id="LA", msisdn="+12065550177"), row)
    holder, child = Line.objects.get(carrier_id="LA"), Line.objects.get(carrier_id="LB")
    signed_in(holder)
    browser, campaign = signed_in(child), a_campaign(provider=a_party("CareButton", "lbs_provider"))
    made = allow(line_id=child.pk, campaign=campaign.ref, actor=f"subscriber:{user_of(holder).pk}", channel="web")
    before = len(texts_to(number_of(child)))
    assert told(take_lines(row | grown)) == [("accepted",)]
    assert told(take_lines(row | grown)) == [("repeated",)]
    assert reason_against(line_id=child.pk, campaign=campaign) == "stopped_campaign"
    ended = Choice.objects.get(kind="stop")
    assert (ended.scope, ended.ref, ended.reason) == ("campaign", campaign.ref, "grown_up")
    order = Order.objects.filter(line_id=child.pk, contract_id=campaign.contract_id).latest("version")
    assert order.snapshot["state"] == []
    assert set(order.snapshot["required_actions"]) == {"stop_use", "delete_held", "notify_downstream"}
    texts = [text.text for text in texts_to(number_of(child))[before:]]
    assert sum("you alone decide about this phone's location" in text for text in texts) == 1
    page = browser.get(f"/choices/{made.choice_id}/").text
    assert "<bdi>CareButton</bdi> was allowed" in page
    page = browser.get("/choices/").text
    assert "You stopped" not in page
    assert "Made by the account holder" in page
    assert "By us: the account holder had allowed it, and this phone now belongs to an adult" in unescape(page)
    assert "You allowed" not in browser.get("/home/").text


def test_what_a_child_chose_outlasts_its_childhood() -> None:
    row = line_row(line_id="LB", msisdn="+12065550188", user_role="minor")
    take_lines(line_row(line_id="LA", msisdn="+12065550177"), row)
    holder, child = Line.objects.get(carrier_id="LA"), Line.objects.get(carrier_id="LB")
    signed_in(holder)
    signed_in(child)
    campaign = a_campaign()
    allow(line_id=child.pk, campaign=campaign.ref, actor=f"subscriber:{user_of(holder).pk}", channel="web")
    stop(line_id=child.pk, scope="campaign", ref=campaign.ref, actor=f"subscriber:{user_of(child).pk}", channel="web")
    take_lines(row | {"user_role": "user"})
    assert Choice.objects.filter(line_id=child.pk).count() == 2


@pytest.mark.parametrize("separates", ["never", "before", "after"])
def test_an_adult_s_new_number_is_not_the_holder_s(separates: str) -> None:
    row = line_row(line_id="LB", msisdn="+12065550188", user_role="user")
    take_lines(line_row(line_id="LA", msisdn="+12065550177"), row)
    holder, adult = Line.objects.get(carrier_id="LA"), Line.objects.get(carrier_id="LB")
    signed_in(adult)
    browser = signed_in(holder)
    before = browser.get("/lines/").text
    new = row | {"msisdn": "+12065550199", "number_changed_at": (timezone.now() - timedelta(hours=1)).isoformat()}

    def ask() -> None:
        request_separation(line_id=adult.pk, user=user_of(adult), reach="", note="", at=timezone.now())

    if separates == "before":
        ask()
    assert told(take_lines(new)) == [("accepted",)]
    if separates == "after":
        ask()
    assert number_of(adult) == "+12065550199"
    assert alike(browser.get("/lines/").text) == alike(before)
    assert "555-0188" in before
    assert told(take_lines(new | {"account_id": "A2", "holder_name": "Li"})) == [("accepted",)]
    after = browser.get("/lines/").text
    assert ("555-0188" in after, "555-0199" in after) == (separates != "never", False)


def test_a_company_s_question_is_answered_by_its_person_alone() -> None:
    adult = a_line(msisdn="+12065550142", account="A-1", role="user")
    holder, stranger = a_line(account="A-1"), a_line()
    partner = a_partner()
    partner.one(partner.claim())
    assert text_now() == 1
    path = link_in(asked("+12065550142")[0])
    assert asked(number_of(holder)) == []
    for other in (holder, stranger):
        browser = signed_in(other)
        assert [browser.get(path).status_code, browser.post(f"{path}no/").status_code] == [404, 404]
        browser.post(f"{path}text/")
    assert Browser().post(f"{path}no/").url == path
    assert Choice.objects.count() == 0
    assert [text for text in MemoryBackend.outbox if "ANSWER" in text.text and text.msisdn != "+12065550142"] == []
    assert signed_in(adult).post(f"{path}no/").url == f"{path}answered/"


def test_the_next_holder_finds_no_question_of_the_last() -> None:
    old = a_line(msisdn="+12065550142")
    partner = a_partner()
    partner.one(partner.claim())
    assert text_now() == 1
    path = link_in(asked("+12065550142")[0])
    at = timezone.now()
    old.numbers.update(ends_at=at)
    Line.objects.filter(pk=old.pk).update(deactivated_at=at)
    new = a_line(msisdn="+12065550142", activated_at=at)
    assert Browser().get(path).status_code == 404
    assert signed_in(new).get(path).status_code == 404


def test_a_shared_line_s_pages_name_who_chose() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    campaign = a_campaign(provider=a_party("CareButton", "lbs_provider"))
    theirs, dana = signed_in(child), signed_in(holder)
    made = allow(line_id=child.pk, campaign=campaign.ref, actor=f"subscriber:{user_of(holder).pk}", channel="web")
    page = theirs.get("/home/").text
    assert "The account holder allowed it here" in page
    assert "You allowed" not in page
    page = theirs.get(f"/choices/{made.choice_id}/").text
    assert "<bdi>CareButton</bdi> was allowed" in page
    assert "You allowed" not in page
    assert "Made by the account holder" in theirs.get("/choices/").text
    assert "You allowed it here" in dana.get(of_line("/home/", child)).text
    stop(line_id=child.pk, scope="all", actor=f"subscriber:{user_of(child).pk}", channel="web")
    page = dana.get(of_line("/choices/", child)).text
    assert "All sharing was stopped" in page
    assert "Made by the person who uses this phone" in page
    assert "You stopped all sharing" in theirs.get("/choices/").text


def test_the_ways_on_from_a_page_keep_its_line() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    browser = signed_in(holder)
    made = stop(line_id=child.pk, scope="all", actor=f"subscriber:{user_of(holder).pk}", channel="web")
    query = f"?line={child.public_id}"
    for path in ("/home/", "/history/", "/choices/", "/access-log/"):
        page = browser.get(f"{path}{query}").text
        nav = page[page.index('<nav class="nav"') : page.index("<main")]
        assert re.findall(r'href="(/(?:home|history|choices|access-log)/[^"]*)"', nav) == [
            f"/{name}/{query}" for name in ("home", "history", "choices", "access-log")
        ]
        assert f'<a href="{path}{query}" aria-current="page">' in page
    assert f'href="/choices/{query}"' in browser.get(f"/choices/{made.choice_id}/").text
    assert query not in browser.get("/home/").text.replace(f"/home/{query}", "").split("<main")[0]
