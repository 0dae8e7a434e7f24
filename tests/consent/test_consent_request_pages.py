"""The page of a question: who asks, for what; no in one step, yes in two; and the same page for all that is closed."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.clients.texts import MemoryBackend
from accounts.models import Line, User
from audit.models import AuditEvent
from audit.queries import database_clock
from consent.actions import choices
from consent.domain.consent_requests import token_of
from consent.models import Choice, ConsentRequest, Notice
from partners.models import Campaign, JurisdictionRule, Reach, Suspension
from revocations.models import Order
from tests.consent.claiming import (
    WORDING,
    Partner,
    a_partner,
    asked,
    digest_in,
    link_in,
    prove,
    say_no,
    say_yes,
    text_now,
)
from tests.consent.pages import press
from tests.factories import LONG_AGO, a_line, a_party
from tests.feeds import as_at_commit
from tests.gate_questions import ask as gate_says
from tests.people import Browser, Page, number_of, sign_in_by_code, signed_in, texts_to
from tests.properties import undone

pytestmark = pytest.mark.usefixtures("db", "no_broker")
NUMBER, HOLDER = "+12065550142", "+12065550150"


@pytest.fixture
def partner(db: None) -> Partner:
    return a_partner()


def a_question(partner: Partner, line: Line, **changes: object) -> str:
    """The path of a question that was texted."""
    partner.one(partner.claim(msisdn=number_of(line), **changes))
    assert text_now() == 1
    return f"/ask/{token_of(ask_id=ConsentRequest.objects.get(line_id=line.pk).id)}/"


def plain(page: Page) -> str:
    main = re.search(r"<main.*?</main>", page.text, re.DOTALL)
    assert main is not None
    return " ".join(re.sub(r"<[^>]+>", " ", main.group()).split())


def everything() -> tuple[Any, ...]:
    return (
        list(Choice.objects.values()), list(ConsentRequest.objects.values()), AuditEvent.objects.count(),
        Notice.objects.count(),
        User.objects.count(), len(MemoryBackend.outbox),
    )  # fmt: skip


def test_the_page_says_who_asks_for_what(partner: Partner) -> None:
    Reach.objects.create(campaign=partner.campaign, party=a_party("BailNow", "end_customer"))
    line = a_line(msisdn=NUMBER, holder_name="Zelda Quux")
    page = Browser().get(a_question(partner, line))
    words = plain(page)
    assert page.status_code == 200
    for said in (
        "May RoadAid find this phone?",
        "It says that you agreed. You never confirmed this to us",
        "Through GeoBridge",
        "Passed on to BailNow",
        "within about 500 m",
        "Until Jan 1, 2096, 12:00 AM , universal time (UTC). You can stop it sooner, in one step, whenever you like.",
        "“ Finds you when you call for roadside help ”",
        "These are the company's own words. It says that you agreed to them: Sí, acepto que RoadAid me encuentre.",
    ):
        assert said in words, said
    assert f'<blockquote class="quote" dir="auto" lang="es">{WORDING}</blockquote>' in page.text
    assert 'action="/ask/' in page.text
    assert "<button>Yes</button>" not in page.text
    # Its link names the question, never the person.
    for personal in (NUMBER, "555-0142", "5550142", "Zelda", str(line.public_id), line.carrier_id):
        assert personal not in page.text


@pytest.mark.parametrize(("state", "until"), [("CA", "12:00 AM"), ("NY", "3:00 AM")])
def test_a_yes_ends_at_the_moment_that_was_read(partner: Partner, state: str, until: str) -> None:
    """Before the code in universal time: nobody without it may learn where the phone is."""
    Campaign.objects.filter(pk=partner.campaign.pk).update(ends_at=datetime(2027, 1, 1, 8, tzinfo=UTC))
    line = a_line(msisdn=NUMBER, state=state)
    path = a_question(partner, line)
    assert "Until Jan 1, 2027, 8:00 AM , universal time (UTC)." in plain(Browser().get(path))
    browser, page = prove(path, NUMBER)
    zone = {"CA": "Pacific time", "NY": "Eastern time"}[state]
    confirm = browser.get(f"{path}yes/")
    for words in (plain(page), plain(confirm)):
        assert f"Until Jan 1, 2027, {until} , {zone}." in words
    said = f"Until: Jan 1, 2027, {until} ({zone})."
    assert said in plain(confirm)
    read = digest_in(confirm)
    browser.post(f"{path}yes/", {"notice": read})
    assert said in Notice.objects.get(digest=read).body
    assert Choice.objects.get().until == datetime(2027, 1, 1, 8, tzinfo=UTC)


def test_a_question_is_closed_where_the_state_lets_only_a_wider_circle_pass(partner: Partner) -> None:
    path = a_question(partner, a_line(msisdn=NUMBER, state="NV"))
    assert "How exact within about 500 m" in plain(Browser().get(path))
    JurisdictionRule.objects.create(
        state="NV", starts_at=LONG_AGO, purposes=[partner.campaign.purpose], sale_test=False, source="A law",
        max_radius_m=534,
    )  # fmt: skip
    assert "This question is not open" in plain(Browser().get(path))


def test_looking_changes_nothing(partner: Partner) -> None:
    path = a_question(partner, a_line(msisdn=NUMBER))
    browser, _ = prove(path, NUMBER)
    before = everything()
    for one in (Browser(), browser):
        for address in (path, f"{path}code/", f"{path}yes/", f"{path}answered/", f"{path}no/", f"{path}text/"):
            one.get(address)
            one.client.head(address)
    assert everything() == before


def test_no_is_one_step(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    path = a_question(partner, line)
    browser, page = prove(path, NUMBER)
    answer = press(browser, page, "<button>No</button>")
    choice = Choice.objects.get()
    assert (choice.kind, choice.scope, choice.ref, choice.channel, choice.origin) == (
        "refuse", "campaign", partner.campaign.ref, "ask", "person",
    )  # fmt: skip
    assert choice.actor.startswith("subscriber:")
    ask = ConsentRequest.objects.get()
    assert (ask.answer, ask.choice_id, ask.answered_at) == ("no", choice.id, choice.made_at)
    assert gate_says(line, partner.campaign) == "stopped_campaign"
    assert "You said no" in answer.text


def test_yes_is_two_steps_and_allows_from_then_on(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    ends = (database_clock() + timedelta(days=30)).replace(microsecond=0)
    path = a_question(partner, line, expires_at=ends.isoformat())
    before = database_clock()
    browser, page = prove(path, NUMBER)
    # Yes and no weigh the same.
    assert sorted(re.findall(r"<button[^>]*>(?:Yes|No)</button>", page.text)) == [
        "<button>No</button>", "<button>Yes</button>",
    ]  # fmt: skip
    assert re.search(rf'<form method="get" action="{path}yes/"><button>Yes</button></form>', page.text)
    confirm = browser.get(f"{path}yes/")
    row = re.search(r'<div class="row">.*?</div>', confirm.text, re.DOTALL)
    assert row is not None
    assert re.findall(r"<button[^>]*>", row.group()) == ["<button>", "<button>"]
    assert Choice.objects.count() == 0
    assert gate_says(line, partner.campaign) == "approval_unverified"
    answer = browser.post(f"{path}yes/", {"notice": digest_in(confirm)})
    assert answer.url == f"{path}answered/"
    choice = Choice.objects.get()
    assert (choice.kind, choice.ref, choice.channel, choice.until) == ("allow", partner.campaign.ref, "ask", ends)
    assert choice.made_at > before
    assert gate_says(line, partner.campaign) == ""
    notice = Notice.objects.get(digest=choice.notice)
    assert (notice.use, [one["name"] for one in notice.companies]) == ("ask", ["RoadAid", "GeoBridge"])
    assert "You said yes" in browser.get(answer.url).text


def test_a_no_on_the_second_page_is_a_no_too(partner: Partner) -> None:
    path = a_question(partner, a_line(msisdn=NUMBER))
    browser, _ = prove(path, NUMBER)
    confirm = browser.get(f"{path}yes/")
    assert "You said no" in press(browser, confirm, "No, don't allow it").text
    choice = Choice.objects.get()
    assert (choice.kind, choice.notice) == ("refuse", digest_in(confirm))


def test_a_company_that_joined_later_is_read_about_first(partner: Partner) -> None:
    path = a_question(partner, a_line(msisdn=NUMBER))
    browser, _ = prove(path, NUMBER)
    read = digest_in(browser.get(f"{path}yes/"))
    Reach.objects.create(campaign=partner.campaign, party=a_party("BailNow", "end_customer"))
    page = browser.post(f"{path}yes/", {"notice": read})
    assert (page.status_code, Choice.objects.count()) == (200, 0)
    assert "The list of companies has changed since you read it" in page.text
    assert browser.post(f"{path}yes/", {"notice": digest_in(page)}).url == f"{path}answered/"


def test_a_code_goes_to_the_phone_for_this_alone(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    path = a_question(partner, line)
    browser = Browser()
    browser.post(f"{path}text/")
    text = texts_to(NUMBER)[-1]
    assert text.text == (
        f"localhost: {text.code} is your code to ANSWER a company's question. It works for nothing else. We never "
        "ask you for it. If you did not ask for it, you can ignore this text."
    )
    for door, code in (("/stop/", "/stop/code/"), ("/accounts/login/", "/accounts/login/code/")):
        other = Browser()
        other.post(door, {"number": NUMBER})
        codes = {one.code for one in texts_to(NUMBER)}
        assert other.post(code, {"code": text.code}).status_code == 200 or len(codes) < 3
        MemoryBackend.outbox[:] = [one for one in MemoryBackend.outbox if one.code in {"", text.code}]
    assert browser.post(f"{path}code/", {"code": text.code}).url == path
    assert browser.get("/stop/all/").status_code == 302
    assert browser.get("/home/").status_code == 302


def test_a_code_for_stopping_answers_nothing(partner: Partner) -> None:
    path = a_question(partner, a_line(msisdn=NUMBER))
    browser = Browser()
    browser.post("/stop/", {"number": NUMBER})
    browser.post("/stop/code/", {"code": texts_to(NUMBER)[-1].code})
    assert browser.get("/stop/all/").status_code == 200
    assert browser.post(f"{path}no/").url == path
    assert browser.post(f"{path}yes/").url == path
    assert Choice.objects.count() == 0


def test_a_wrong_code_is_told_so_and_five_end_it(partner: Partner) -> None:
    path = a_question(partner, a_line(msisdn=NUMBER))
    browser = Browser()
    browser.post(f"{path}text/")
    right = texts_to(NUMBER)[-1].code
    too_many = "Too many tries. Ask for a new code below."
    for said in (*["That code isn&#x27;t right"] * 4, too_many):
        assert said in browser.post(f"{path}code/", {"code": f"{(int(right) + 1) % 10**6:06}"}).text
    assert too_many in browser.post(f"{path}code/", {"code": right}).text
    assert browser.post(f"{path}no/").url == path


def test_only_its_user_signed_in_needs_no_code(partner: Partner) -> None:
    line, holder = a_line(msisdn=NUMBER, account="A-1", role="user"), a_line(msisdn=HOLDER, account="A-1")
    path = a_question(partner, line)
    # Nobody answers without proof, nor by a code for signing in alone.
    anybody, by_code = Browser(), sign_in_by_code(line)
    assert "Text me a code" in by_code.get(path).text
    for one in (anybody, by_code):
        assert [one.post(f"{path}no/").url, one.post(f"{path}yes/", {"notice": "x"}).url] == [path, path]
    # To somebody else who is signed in, the account's holder too, it is closed.
    for other in (a_line(msisdn="+12065550143"), holder):
        stranger = signed_in(other)
        assert unforged(stranger.get(path)) == the_closed_page(stranger)
        assert unforged(stranger.post(f"{path}no/")) == the_closed_page(stranger)
    assert Choice.objects.count() == 0
    browser = signed_in(line)
    assert "<button>Yes</button>" in browser.get(path).text
    assert say_no(browser, path).url == f"{path}answered/"
    assert Choice.objects.get().kind == "refuse"


# All that is closed is one page.


def the_closed_page(browser: Browser | None = None) -> str:
    return unforged((browser or Browser()).get("/ask/no-such-token/"))


def unforged(page: Page) -> str:
    """A closed page, without what differs for each request and address."""
    assert page.status_code == 404
    return re.sub(r'(name="csrfmiddlewaretoken" value=|name="next" value=)"[^"]*"', r"\1", page.text)


def test_used_and_made_up_links_are_the_same_page(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    path = a_question(partner, line)
    browser, _ = prove(path, NUMBER)
    assert say_no(browser, path).url
    assert unforged(Browser().get(path)) == the_closed_page()
    # Who pressed twice is told what became of the first, not that nothing has changed.
    again = [browser.post(f"{path}{way}") for way in ("yes/", "no/", "text/")]
    assert [page.url for page in again] == [f"{path}answered/"] * 3
    assert "You said no" in browser.get(f"{path}answered/").text
    assert unforged(browser.get(path)) == the_closed_page(browser)
    assert Choice.objects.count() == 1


def test_a_yes_is_said_to_stand_only_while_it_does(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    path = a_question(partner, line)
    browser, _ = prove(path, NUMBER)
    notice = digest_in(browser.get(f"{path}yes/"))
    for _ in range(2):
        assert browser.post(f"{path}yes/", {"notice": notice}).url == f"{path}answered/"
    assert "You said yes" in browser.get(f"{path}answered/").text
    assert Choice.objects.count() == 1
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    assert unforged(browser.get(f"{path}answered/")) == the_closed_page(browser)


def test_what_happened_since_closes_it(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    path = a_question(partner, line)
    browser, _ = prove(path, NUMBER)
    said: dict[str, Any] = {"line_id": line.pk, "actor": "subscriber:1", "channel": "web"}
    since: list[Callable[[], object]] = [
        lambda: Suspension.objects.create(
            of="campaign", target_id=partner.campaign.pk, starts_at=database_clock(), reason="Due", actor="officer:1"
        ),
        lambda: choices.stop(scope="all", **said),
        lambda: Line.objects.filter(pk=line.pk).update(number_changed_at=database_clock()),
        lambda: Line.objects.filter(pk=line.pk).update(deactivated_at=database_clock()),
        # A yes elsewhere makes it pointless.
        lambda: choices.allow(campaign=partner.campaign.ref, **said),
    ]
    for happens in since:
        with undone():
            happens()
            assert unforged(browser.get(path)) == the_closed_page(browser)
            assert unforged(browser.post(f"{path}no/")) == the_closed_page(browser)
    assert browser.get(path).status_code == 200


# Families.


def test_the_holder_answers_for_a_child_who_is_told(partner: Partner, django_capture_on_commit_callbacks: Any) -> None:
    holder = a_line(msisdn=HOLDER, account="A-family", role="holder")
    child = a_line(msisdn=NUMBER, account="A-family", role="minor")
    path = a_question(partner, child)
    assert link_in(asked(HOLDER)[0]) == path
    browser_of_child = signed_in(child)
    assert browser_of_child.get(path).status_code == 404
    assert not AuditEvent.objects.filter(line_id=child.pk, action="holder.looked").exists()
    assert signed_in(holder).get(path).status_code == 200
    assert AuditEvent.objects.filter(line_id=child.pk, action="holder.looked").count() == 1
    browser, page = prove(path, HOLDER)
    assert "May RoadAid find a child's phone on your account?" in plain(page)
    # Who comes by a texted code reads it as well.
    looks = AuditEvent.objects.filter(line_id=child.pk, action="holder.looked").values_list("actor", flat=True)
    assert list(looks) == [f"holder:{User.objects.get(line_users__line=holder).pk}"] * 2
    assert not AuditEvent.objects.filter(line_id=holder.pk, action="holder.looked").exists()
    with django_capture_on_commit_callbacks(execute=True):
        say_yes(browser, path)
    choice = Choice.objects.get()
    user = User.objects.get(line_users__line=holder)
    assert (choice.line_id, choice.kind, choice.actor) == (child.pk, "allow", f"subscriber:{user.pk}")
    assert "The account holder changed who may get this phone's location" in " ".join(
        text.text.replace("the account", "The account") for text in texts_to(NUMBER)
    )


# What the partner hears.


def test_a_no_tells_the_partner_not_why(partner: Partner) -> None:
    line = a_line(msisdn=NUMBER)
    path = a_question(partner, line)
    browser, _ = prove(path, NUMBER)
    as_at_commit()
    say_no(browser, path)
    as_at_commit()
    order = Order.objects.get(line_id=line.pk, party_id=partner.party.pk)
    assert order.snapshot["state"] == []
    told = json.dumps(order.snapshot)
    assert [word for word in ("ask", "refuse", "answer", "no record", NUMBER) if word in told] == []


def test_hostile_words_are_shown_harmlessly(partner: Partner) -> None:
    hostile = '"><script>alert(1)</script>\u202e<img src=x onerror=alert(2)>'
    path = a_question(partner, a_line(msisdn=NUMBER), wording=hostile, language='es" onload="x')
    page = Browser().get(path)
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text
    assert 'onload="x' not in page.text
    assert '<blockquote class="quote" dir="auto">' in page.text


def test_the_page_is_small_and_needs_no_script(partner: Partner) -> None:
    path = a_question(partner, a_line(msisdn=NUMBER))
    browser, page = prove(path, NUMBER)
    for one in (page, browser.get(f"{path}yes/"), Browser().get(path)):
        assert "<script" not in one.text
        assert 'style="' not in one.text
        assert len(one.text.encode()) < 15_000


@pytest.mark.parametrize("names_recipient", [True, False])
def test_a_suspended_recipient_hinders_no_question_where_each_use_names_its_own(*, names_recipient: bool) -> None:
    partner, line = a_partner(names_recipient=names_recipient), a_line(msisdn=NUMBER)
    bail = a_party("BailNow", "end_customer")
    Reach.objects.create(campaign=partner.campaign, party=bail)
    Suspension.objects.create(
        of="party", target_id=bail.pk, starts_at=database_clock(), reason="They sold it.", actor="officer:1"
    )
    partner.one(partner.claim(msisdn=number_of(line)))
    assert text_now() == len(asked(NUMBER)) == names_recipient
