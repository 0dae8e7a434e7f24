"""Promise 7. Each person sees only their own: lines, tenures, adults, children, recycled numbers."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts import queries
from accounts.actions.line_separation import ask_separation
from accounts.actions.people import end_tenure
from accounts.clients.texts import MemoryBackend
from accounts.models import Line, LineNumber, LineUser
from accounts.primitives.sealing import number_hash, seal
from accounts.primitives.zones import zone_of
from audit.actions import record
from consent.actions.choices import allow, stop
from consent.domain.notices import before_yes
from consent.domain.snapshots import reason_against
from consent.models import Choice
from revocations.models import Order
from tests.consent.claiming import a_partner, asked, link_in, text_now
from tests.factories import a_campaign, a_line, a_party
from tests.feeds import Row, line_row, take_lines, told
from tests.people import Browser, newest_text, number_of, sign_in, sign_in_by_code, texts_to, user_of
from tests.walks.marks import tells

pytestmark = pytest.mark.usefixtures("committed_db", "no_broker")

SENTENCE = "This line belongs to the person who uses it."
OWN_PAGES = (
    "/lines/", "/access-log/", "/home/", "/history/", "/history/download.csv", "/history/download.json", "/choices/",
    "/access-log/companies/", "/settings/archive/", "/settings/archive/progress/",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _texts_in_memory(settings: Settings) -> None:
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    MemoryBackend.outbox.clear()


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


@pytest.mark.parametrize("page", OWN_PAGES)
def test_nobody_is_sent_to_sign_in_and_shown_nothing(page: str) -> None:
    line = a_line()
    marker = marked(line)
    answer = Browser().get(of_line(page, line))
    assert (answer.status_code, marker in answer.text) == (302, False)
    assert answer.url.startswith("/accounts/login/?next=")


@pytest.mark.parametrize("page", OWN_PAGES)
def test_a_code_alone_shows_nothing(page: str) -> None:
    line = a_line()
    marker = marked(line)
    answer = sign_in_by_code(line).get(page)
    assert (answer.status_code, marker in answer.text) == (302, False)
    assert answer.url.startswith("/accounts/password/set/?next=")


@pytest.mark.parametrize("page", OWN_PAGES)
def test_another_persons_line_is_a_line_that_does_not_exist(page: str) -> None:
    mine, foreign = a_line(), a_line()
    marker = marked(foreign)
    browser = sign_in(mine)
    answers = [browser.get(of_line(page, foreign)), browser.get(f"{page}?line={uuid4()}")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert alike(answers[0].text) == alike(answers[1].text)
    assert marker not in answers[0].text


def test_a_person_sees_their_own_log() -> None:
    line = a_line()
    marker = marked(line)
    assert marker in sign_in(line).get("/access-log/").text


def test_the_holder_reads_one_sentence_of_an_adults_line_whether_or_not_choices_exist() -> None:
    holder, adult = a_line(account="A-1"), a_line(account="A-1", role="user")
    browser = sign_in(holder)
    before = browser.get("/lines/").text
    sign_in(adult)
    stop(line_id=adult.pk, scope="all", actor=f"subscriber:{user_of(adult).pk}", channel="web")
    after = browser.get("/lines/").text
    assert before.count(SENTENCE) == 1
    assert alike(before) == alike(after)
    # The form that invites its user names it, and no way leads to it.
    assert f"?line={adult.public_id}" not in after


@pytest.mark.parametrize("role", ["user", "unheard of"])
def test_the_holder_is_a_stranger_to_every_page_of_an_adults_line(role: str) -> None:
    holder, adult = a_line(account="A-1"), a_line(account="A-1", role=role)
    marker = marked(adult)
    browser = sign_in(holder)
    for page in OWN_PAGES:
        answer = browser.get(of_line(page, adult))
        assert (answer.status_code, marker in answer.text) == (404, False)


def test_holder_and_minor_both_see_the_minors_line() -> None:
    holder, minor = a_line(account="A-1"), a_line(account="A-1", role="minor")
    marker = marked(minor)
    assert marker in sign_in(minor).get("/access-log/").text
    assert marker in sign_in(holder).get(of_line("/access-log/", minor)).text
    assert marker not in sign_in(holder).get("/access-log/").text


def test_a_role_change_to_adult_cuts_the_holder_off_at_once_past_included() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    marker = marked(child)
    browser = sign_in(holder)
    assert marker in browser.get(of_line("/access-log/", child)).text
    Line.objects.filter(pk=child.pk).update(user_role="user")
    assert browser.get(of_line("/access-log/", child)).status_code == 404
    assert SENTENCE in browser.get("/lines/").text


def test_a_minor_sees_nothing_of_the_holders_line() -> None:
    holder, minor = a_line(msisdn="+12065550142", account="A-1"), a_line(account="A-1", role="minor")
    marker = marked(holder)
    browser = sign_in(minor)
    answer = browser.get(of_line("/access-log/", holder))
    assert (answer.status_code, marker in answer.text) == (404, False)
    assert [tells(browser.get("/lines/").text, number_of(line)) for line in (holder, minor)] == [False, True]


def test_the_next_holder_of_a_number_starts_empty_and_the_last_one_is_out() -> None:
    now = timezone.now()
    first = a_line()
    msisdn = number_of(first)
    marker = marked(first)
    old = sign_in(first)
    old_user = user_of(first)
    Line.objects.filter(pk=first.pk).update(deactivated_at=now)
    LineNumber.objects.filter(line=first).update(ends_at=now)
    assert old.get("/access-log/").status_code == 403
    end_tenure(line_id=first.pk, at=now)
    assert old.get("/access-log/").status_code == 302

    second = a_line(msisdn=msisdn, activated_at=now + timedelta(microseconds=1))
    new = sign_in(second)
    assert user_of(second) != old_user
    assert marker not in new.get("/access-log/").text
    assert new.get(of_line("/access-log/", first)).status_code == 404
    assert LineUser.objects.filter(until__isnull=True).count() == 1


def test_a_code_texted_to_the_last_holder_is_no_use_to_the_next() -> None:
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
    sign_in(line)
    user, marker = user_of(line), marked(line)
    LineNumber.objects.filter(line=line).update(ends_at=now)
    LineNumber.objects.create(
        line=line, msisdn_hash=number_hash("+12065559876"), msisdn_sealed=seal("+12065559876"), starts_at=now
    )
    browser = sign_in(line)
    assert number_of(line) == "+12065559876"
    assert user_of(line) == user
    assert marker in browser.get("/access-log/").text
    assert "(206) 555-9876" in browser.get("/lines/").text


def test_nothing_personal_stands_in_an_address() -> None:
    line = a_line(account="A-1")
    child = a_line(account="A-1", role="minor")
    page = sign_in(line).get("/lines/").text
    addresses = " ".join(re.findall(r'(?:href|action)="([^"]*)"', page))
    for who in (line, child):
        assert who.carrier_id not in addresses
        assert number_of(who).removeprefix("+1") not in addresses
        assert str(who.public_id) in addresses


def test_staff_are_no_subscribers() -> None:
    line = a_line()
    browser = sign_in(line)
    user = user_of(line)
    user.role = user.Role.AGENT
    user.save()
    assert queries.list_visible_lines(user=user, at=timezone.now())
    assert browser.get("/access-log/").status_code == 403


OF_A_CHOICE = ("/choices/{0}/", "/choices/{0}/progress/", "/choices/{0}/receipt/", "/choices/{0}/receipt.json")


@pytest.mark.parametrize("page", OF_A_CHOICE)
@pytest.mark.parametrize(("account", "role"), [("A-2", "holder"), ("A-1", "user")])
def test_a_foreign_choice_does_not_exist(page: str, account: str, role: str) -> None:
    mine, foreign = a_line(account="A-1"), a_line(account=account, role=role)
    browser = sign_in(mine)
    made = stop(line_id=foreign.pk, scope="all", actor=f"line:{foreign.pk}", channel="stop_page")
    assert browser.get(page.format(made.choice_id)).status_code == 404
    assert browser.get(of_line(page.format(made.choice_id), foreign)).status_code == 404
    assert sign_in(foreign).get(page.format(made.choice_id)).status_code == 200


@pytest.mark.parametrize("verb", ["stop", "dispute", "pause", "allow"])
@pytest.mark.parametrize(("account", "role"), [("A-2", "holder"), ("A-1", "user")])
def test_nobody_decides_about_a_line_that_is_not_theirs(verb: str, account: str, role: str) -> None:
    mine, foreign = a_line(account="A-1"), a_line(account=account, role=role)
    campaign = a_campaign()
    browser = sign_in(mine)
    answer = browser.post(f"/choices/{verb}/", posted(foreign, campaign.ref))
    assert (answer.status_code, Choice.objects.count()) == (404, 0)


@pytest.mark.parametrize(("verb", "status"), [("stop", 302), ("dispute", 302), ("pause", 302), ("allow", 403)])
def test_a_minor_stops_and_pauses_and_does_not_allow(verb: str, status: int) -> None:
    minor = a_line(account="A-1", role="minor")
    campaign = a_campaign()
    answer = sign_in(minor).post(f"/choices/{verb}/", posted(minor, campaign.ref))
    assert (answer.status_code, Choice.objects.count()) == (status, 1 if status == 302 else 0)


@pytest.mark.parametrize("verb", ["stop", "dispute", "pause", "allow"])
def test_the_holder_decides_about_a_minors_line(verb: str) -> None:
    holder, minor = a_line(account="A-1"), a_line(account="A-1", role="minor")
    campaign = a_campaign()
    with timezone.override(zone_of(minor.state)):
        read = before_yes(campaign=campaign.ref).digest
    answer = sign_in(holder).post(f"/choices/{verb}/", {**posted(minor, campaign.ref), "notice": read})
    assert answer.status_code == 302, answer.text
    assert Choice.objects.get().line_id == minor.pk


@pytest.mark.parametrize(("verb", "counts"), [("stop", True), ("dispute", True), ("pause", True), ("allow", False)])
def test_a_code_is_enough_to_tighten_and_not_to_loosen(verb: str, counts: bool) -> None:
    line = a_line()
    campaign = a_campaign()
    answer = sign_in_by_code(line).post(f"/choices/{verb}/", posted(line, campaign.ref))
    assert (answer.status_code, Choice.objects.exists()) == (302, counts)


def test_the_holder_allows_for_a_minor_and_the_minor_is_told() -> None:
    holder, minor = a_line(account="A-1"), a_line(account="A-1", role="minor")
    sign_in(holder)
    campaign = a_campaign(provider=a_party("RoadAid", "lbs_provider"))
    allow(line_id=minor.pk, campaign=campaign.ref, actor=f"subscriber:{user_of(holder).pk}", channel="web")
    told = newest_text(number_of(minor)).text
    assert "the account holder changed who may get this phone's location" in told
    assert "RoadAid" not in told


def test_an_adult_who_allows_for_themselves_gets_no_such_text() -> None:
    line = a_line()
    sign_in(line)
    before = len(MemoryBackend.outbox)
    allow(line_id=line.pk, campaign=a_campaign().ref, actor=f"subscriber:{user_of(line).pk}", channel="web")
    assert len(MemoryBackend.outbox) == before


def test_what_the_holder_does_about_another_line_of_their_own_is_told_there() -> None:
    holder, second = a_line(account="A-1"), a_line(account="A-1")
    sign_in(second)
    browser = sign_in(holder)
    before = len(texts_to(number_of(second)))
    assert browser.post("/choices/stop/", posted(second, a_campaign().ref)).status_code == 302
    assert Choice.objects.get().actor == f"subscriber:{user_of(holder).pk}"
    (told,) = texts_to(number_of(second))[before:]
    assert "the account holder changed who may get this phone's location" in told.text


def test_a_file_does_not_make_the_holder_of_an_adult_their_reader() -> None:
    ann = line_row(line_id="LA", msisdn="+12065550177", holder_name="Ann Marsh")
    adult = line_row(line_id="LB", msisdn="+12065550188", holder_name="Ann Marsh", user_role="user")
    take_lines(ann, adult)
    holder, line = Line.objects.get(carrier_id="LA"), Line.objects.get(carrier_id="LB")
    marker, browser = marked(line), sign_in(holder)
    assert told(take_lines(adult | {"user_role": "holder"})) == [("rejected", "user_role", "needs_new_line_id")]
    for page in ("/choices/", "/access-log/", "/history/"):
        answer = browser.get(of_line(page, line))
        assert (answer.status_code, marker in answer.text) == (404, False)
    assert browser.post("/choices/stop/", posted(line, a_campaign().ref)).status_code == 404


@pytest.mark.parametrize(
    "grown", [{"user_role": "user"}, {"user_role": "holder", "account_id": "A2", "holder_name": "Li"}]
)
def test_what_the_holder_allowed_for_a_child_ends_when_it_is_none_any_more(grown: Row) -> None:
    row = line_row(line_id="LB", msisdn="+12065550188", user_role="minor")
    take_lines(line_row(line_id="LA", msisdn="+12065550177"), row)
    holder, child = Line.objects.get(carrier_id="LA"), Line.objects.get(carrier_id="LB")
    sign_in(holder)
    browser, campaign = sign_in(child), a_campaign(provider=a_party("CareButton", "lbs_provider"))
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
    assert sum("this phone's location is now yours alone to decide" in text for text in texts) == 1
    page = browser.get(f"/choices/{made.choice_id}/").text
    assert "<bdi>CareButton</bdi> was allowed" in page
    page = browser.get("/choices/").text
    assert "You stopped" not in page
    assert "Made by the account holder" in page
    assert "By us: the account holder had allowed it" in page
    assert "You allowed" not in browser.get("/home/").text


def test_what_a_child_chose_and_what_is_stopped_since_outlasts_its_childhood() -> None:
    row = line_row(line_id="LB", msisdn="+12065550188", user_role="minor")
    take_lines(line_row(line_id="LA", msisdn="+12065550177"), row)
    holder, child = Line.objects.get(carrier_id="LA"), Line.objects.get(carrier_id="LB")
    sign_in(holder)
    sign_in(child)
    campaign = a_campaign()
    allow(line_id=child.pk, campaign=campaign.ref, actor=f"subscriber:{user_of(holder).pk}", channel="web")
    stop(line_id=child.pk, scope="campaign", ref=campaign.ref, actor=f"subscriber:{user_of(child).pk}", channel="web")
    take_lines(row | {"user_role": "user"})
    assert Choice.objects.filter(line_id=child.pk).count() == 2


@pytest.mark.parametrize("asked_first", [True, False])
@pytest.mark.parametrize("separates", [True, False])
def test_a_new_number_of_an_adult_is_not_the_holder_s_to_read(separates: bool, asked_first: bool) -> None:
    row = line_row(line_id="LB", msisdn="+12065550188", user_role="user")
    take_lines(line_row(line_id="LA", msisdn="+12065550177"), row)
    holder, adult = Line.objects.get(carrier_id="LA"), Line.objects.get(carrier_id="LB")
    sign_in(adult)
    browser = sign_in(holder)
    before = browser.get("/lines/").text
    new = row | {"msisdn": "+12065550199", "number_changed_at": (timezone.now() - timedelta(hours=1)).isoformat()}

    def ask() -> None:
        ask_separation(line_id=adult.pk, user=user_of(adult), reach="", note="", at=timezone.now())

    if separates and asked_first:
        ask()
    assert told(take_lines(new)) == [("accepted",)]
    if separates and not asked_first:
        ask()
    assert number_of(adult) == "+12065550199"
    assert alike(browser.get("/lines/").text) == alike(before)
    assert "555-0188" in before
    assert told(take_lines(new | {"account_id": "A2", "holder_name": "Li"})) == [("accepted",)]
    after = browser.get("/lines/").text
    assert ("555-0188" in after, "555-0199" in after) == (separates, False)


def test_a_company_s_question_is_answered_by_whoever_it_is_about_and_by_nobody_else() -> None:
    adult = a_line(msisdn="+12065550142", account="A-1", role="user")
    holder, stranger = a_line(account="A-1"), a_line()
    partner = a_partner()
    partner.one(partner.claim())
    assert text_now() == 1
    path = link_in(asked("+12065550142")[0])
    assert asked(number_of(holder)) == []
    for other in (holder, stranger):
        browser = sign_in(other)
        assert [browser.get(path).status_code, browser.post(f"{path}no/").status_code] == [404, 404]
        browser.post(f"{path}text/")
    assert Browser().post(f"{path}no/").url == path
    assert Choice.objects.count() == 0
    assert [text for text in MemoryBackend.outbox if "ANSWER" in text.text and text.msisdn != "+12065550142"] == []
    assert sign_in(adult).post(f"{path}no/").url == f"{path}answered/"


def test_the_next_holder_of_a_number_finds_no_question_of_the_last_one_s() -> None:
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
    assert sign_in(new).get(path).status_code == 404


def test_a_shared_line_s_pages_name_who_chose() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    campaign = a_campaign(provider=a_party("CareButton", "lbs_provider"))
    theirs, dana = sign_in(child), sign_in(holder)
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


def test_the_safety_page_says_that_a_child_s_line_is_seen() -> None:
    page = Browser().get("/safety/").text
    assert "child&#x27;s line is different" in page or "A child's line is different: the account holder sees it" in page


def test_the_ways_on_from_a_page_keep_the_line_it_is_about() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    browser = sign_in(holder)
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
