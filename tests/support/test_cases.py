"""A person's own cases: what is asked about, who reads them, what is told; and what nobody else ever sees of them."""

import json
import re
import uuid
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.template.loader import render_to_string
from django.utils import timezone
from pytest_django import DjangoDbBlocker

import audit.actions
from accounts.actions import delegations
from accounts.models import Account, Line, LineUser, Message, OutgoingEmail
from accounts.primitives.sealing import unseal
from accounts.primitives.zones import zone_of
from audit.models import AuditEvent
from consent.actions import choices
from consent.queries.choices import NEVER_AGREED, withdrawn_at
from disclosures.models import Disclosure
from support.actions import asking
from support.domain import tickets
from support.domain.tickets import get_line_to_notify
from support.models import Entry, Ticket
from support.policies.lifecycle import move
from support.policies.thread_events import WITHDRAWN
from support.queries.own_cases import cases
from tests.factories import a_campaign, a_line
from tests.moments import begins_at
from tests.people import Browser, number_of, sign_in_by_code, signed_in, user_of
from tests.shared import shared
from tests.staff import an_actor
from tests.support.desk import PNG, a_ticket, answered, asks
from tests.world import World, a_world, disclosed, gagged

pytestmark = pytest.mark.usefixtures("db", "no_broker", "attachments")
State = Ticket.State
MADE_UP = "T-ZZZZZZ"


def shown(browser: Browser, path: str) -> str:
    page = browser.get(path)
    assert page.status_code == 200, (path, page.status_code)
    return " ".join(re.sub(r"<[^>]+>", " ", page.text.partition("<main")[2].partition("</main>")[0]).split())


def day_of(moment: datetime, line: Line) -> str:
    there = moment.astimezone(zone_of(line.state))
    return f"{there:%a, %b} {there.day}"


@pytest.fixture(scope="module")
def every_world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    yield from shared(django_db_blocker, lambda: a_world(at=timezone.now(), weeks=1))


@pytest.fixture
def world(every_world: World, db: None) -> World:
    return deepcopy(every_world)


def test_from_a_look_up_to_the_answer_and_its_rating(world: World) -> None:
    browser, line = signed_in(world.line), world.line
    link = re.search(r'href="(/help/ask/look_up/([^/]+)/)"', browser.get("/history/").text)
    assert link is not None
    assert re.search(r"\S (looked|asked and was refused): \S", shown(browser, link[1]))
    ticket = asks(browser, link[1], topic="look_up", message="  Why?\r\n\r\nI was at home.  ")
    assert (ticket.kind, ticket.about_kind, ticket.about_ref, ticket.about) == (
        "look_up", "look_up", link[2], "About one look-up",
    )  # fmt: skip
    assert (ticket.line_id, ticket.asked_by, ticket.party_id) == (line.pk, user_of(line), None)
    assert ticket.number_ending == number_of(line)[-4:]
    assert Entry.objects.get(ticket=ticket).body == "Why?\n\nI was at home."
    due = day_of(ticket.due_at, line)
    assert f"{ticket.code} You'll get an answer by {due}." in shown(browser, f"/help/sent/{ticket.code}/")
    assert f"We're working on it. Answer due by {due}." in shown(browser, f"/help/{ticket.code.lower()}/")
    answered(ticket)
    message = Message.objects.get(kind="case")
    link_of_it = f"http://localhost:8000/help/{ticket.code}/"
    assert message.line == line
    assert unseal(message.words_sealed).endswith(f"we answered your message. To read our answer, sign in: {link_of_it}")
    page = shown(browser, f"/help/{ticket.code}/")
    assert "We answered." in page
    assert "Support" in page
    assert "It was a tow truck." in page
    row = re.search(
        rf"About one look-up {ticket.code} (\S.*?) · \w+ \d+, \d{{4}} We answered\.", shown(browser, "/help/")
    )
    assert row is not None
    assert row[1] in shown(browser, link[1])
    browser.post(f"/help/{ticket.code}/rate/", {"rating": "4", "words": "Quick."})
    browser.post(f"/help/{ticket.code}/reply/", {"message": "And the day before?"})
    ticket.refresh_from_db()
    assert (ticket.rating, ticket.rating_words, ticket.state, ticket.reopened) == (4, "Quick.", "open", 1)
    said = [(event.action, event.actor) for event in AuditEvent.objects.filter(target=f"ticket:{ticket.code}")]
    me = f"subscriber:{ticket.asked_by_id}"
    assert sorted(one for one in said if one[1] == me) == [
        ("ticket.asked", me), ("ticket.heard", me), ("ticket.rated", me),
    ]  # fmt: skip
    log = shown(browser, "/access-log/")
    assert "Answered a case" in log
    assert "Rated our answer" in log


def test_choices_orders_and_companies_have_their_link_too(world: World) -> None:
    browser = signed_in(world.line)
    made = choices.stop(
        line_id=world.line.pk, scope="party", ref="https://securetrack.example", actor="subscriber:1", channel="web"
    )
    choice = browser.get(f"/choices/{made.choice_id}/").text
    links = re.findall(r'href="(/help/ask/(?:order|choice)/[^"]+)"', choice)
    assert sorted({link.split("/")[3] for link in links}) == ["choice", "order"]
    company = world.roadaid.lbs_provider_id
    assert f'href="/help/ask/company/{company}/"' in browser.get(f"/companies/{company}/").text
    about = {}
    for link in (*links, f"/help/ask/company/{company}/"):
        kind = link.split("/")[3]
        ticket = asks(browser, link, topic=kind if kind != "company" else "still_have")
        about[kind] = (ticket.kind, ticket.party_id is not None)
        assert f"/help/{ticket.code}/" in browser.get("/help/").text
    assert re.search(
        r"About a choice T-\w+ SecureTrack · \w+ \d+, \d{4} We're working on it\.", shown(browser, "/help/")
    )
    assert about == {"choice": ("choice", False), "order": ("order", True), "company": ("still_have", False)}


def test_each_case_says_in_the_list_what_it_is_about() -> None:
    line = a_line()
    browser = signed_in(line)
    topics = {
        "dispute": "I never agreed", "look_up": "About one look-up", "choice": "About a choice",
        "order": "About a message to a company", "still_have": "A company still has my data",
        "sign_in": "I have trouble signing in", "other": "Something else",
    }  # fmt: skip
    told = {f"{topics[kind]} {a_ticket(kind=kind, line_id=line.pk, asked_by=user_of(line)).code}" for kind in topics}
    page = shown(browser, "/help/")
    assert {one for one in told if one not in page} == set()


def test_what_is_not_there_can_t_be_asked_about(world: World) -> None:
    browser = signed_in(world.line)
    path = [world.northlink.aggregator.uri]
    theirs = disclosed(a_line(), path, at=timezone.now() - timedelta(days=1))[0].id
    for kind in ("look_up", "choice", "order", "company", "person"):
        pages = [browser.get(f"/help/ask/{kind}/{ref}/") for ref in (uuid.uuid4(), theirs, "0", "9" * 30, "x\x00")]
        bodies = {(page.status_code, re.sub(r'value="[^"]*"', "", page.text)) for page in pages}
        assert (kind, [status for status, _ in bodies]) == (kind, [404])


def test_a_hidden_row_is_in_no_question_and_no_case(world: World) -> None:
    browser, now = signed_in(world.line), timezone.now()
    row = Disclosure.objects.filter(line_id=world.line.pk, basis="approval", outcome="released").latest("occurred_at")
    path = f"/help/ask/look_up/{row.id}/"
    ticket = asks(browser, path, topic="look_up")
    assert "looked:" in shown(browser, f"/help/{ticket.code}/")
    gagged(row, until=None, at=now)
    hidden, made_up = browser.get(path), browser.get(f"/help/ask/look_up/{uuid.uuid4()}/")
    assert (hidden.status_code, made_up.status_code) == (404, 404)
    assert re.sub(r'value="\S+"', "", hidden.text) == re.sub(r'value="\S+"', "", made_up.text)
    assert browser.client.post(path, {"topic": "look_up", "message": "?"}).status_code == 404
    assert "looked:" not in shown(browser, f"/help/{ticket.code}/") + shown(browser, f"/help/{ticket.code}/case.txt")


def same_as_made_up(browser: Browser, ticket: Ticket) -> bool:
    """Whether every door to a case answers as for a code that nobody has."""
    answers = []
    for code in (ticket.code, MADE_UP):
        pages = [browser.get(f"/help/{code}/{part}") for part in ("", "case.txt", f"files/{uuid.UUID(int=1)}/")]
        pages += [browser.get(f"/help/sent/{code}/")]
        pages += [browser.post(f"/help/{code}/reply/", {"message": "Hm."})]
        pages += [browser.post(f"/help/{code}/rate/", {"rating": "1"})]
        answers.append([(one.status_code, re.sub(r'value="\S+"', "", one.text).replace(code, "")) for one in pages])
    assert [status for status, _ in answers[0]] == [404] * len(answers[0])
    return answers[0] == answers[1]


def test_to_everybody_else_there_is_no_such_case() -> None:
    holder, adult = a_line(account="A-1"), a_line(account="A-1", role="user")
    old, left = a_line(account="A-2"), a_line(account="A-2", role="user")
    owner, theirs = signed_in(adult), signed_in(left)
    ticket, of_left = asks(owner), asks(theirs)
    Line.objects.filter(pk=left.pk).update(account=Account.objects.create(carrier_id="A-new"))
    friend = a_line()
    looks_after, now = signed_in(friend), timezone.now()
    asked = delegations.delegate(
        line_id=adult.pk, user=user_of(adult), msisdn=number_of(friend), may="both", ends_at=now + timedelta(days=9),
        at=now,
    )  # fmt: skip
    assert looks_after.post(f"/lines/asked/{asked}/", {"answer": "yes"}).url == "/lines/"
    # What it is told on its next page is said.
    looks_after.get("/lines/")
    for browser, of in (
        (signed_in(a_line()), ticket), (signed_in(holder), ticket), (looks_after, ticket), (signed_in(old), of_left),
    ):  # fmt: skip
        assert same_as_made_up(browser, of)
        assert of.code not in browser.get("/help/").text
    # One that nobody asked is no person's, though it is about their line.
    assert same_as_made_up(owner, a_ticket(line_id=adult.pk))
    assert "/help/ask/" not in looks_after.get(f"/history/?line={adult.public_id}").text
    assert Browser().get(f"/help/{ticket.code}/").url.startswith("/accounts/login/")
    assert Entry.objects.filter(ticket=ticket).count() == 1


def test_parent_and_child_each_read_their_own() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    parent, kid = signed_in(holder), signed_in(child)
    by_child = asks(kid)
    by_parent = asks(parent, "/help/write/", line=str(child.public_id))
    assert (by_child.line_id, by_parent.line_id) == (child.pk, child.pk)
    assert same_as_made_up(parent, by_child)
    assert same_as_made_up(kid, by_parent)
    answered(by_parent)
    # Who asked is told, by their own phone.
    assert Message.objects.get(kind="case").line == holder
    Line.objects.filter(pk=child.pk).update(user_role="user")
    assert same_as_made_up(parent, by_parent)


def test_a_code_alone_writes_and_reads_nothing() -> None:
    line = a_line()
    signed_in(line)
    browser = sign_in_by_code(line)
    Line.objects.filter(pk=line.pk).update(sim_changed_at=timezone.now() - timedelta(hours=1))
    ticket = asks(browser, topic="sign_in", message="My key is lost, and it is about me.")
    assert ticket.kind == "sign_in"
    sent = shown(browser, f"/help/sent/{ticket.code}/")
    assert "lost" not in sent
    assert browser.get(f"/help/{ticket.code}/").status_code == 403
    assert ticket.code not in browser.get("/help/").text


SECRET = "Zebrafinch"


def test_notes_and_partners_words_reach_no_person() -> None:
    line = a_line()
    browser = signed_in(line)
    ticket, now = asks(browser, mail="me@example.net"), timezone.now()
    for kind in (Entry.Kind.NOTE, Entry.Kind.EVIDENCE, Entry.Kind.EVENT):
        tickets.write(ticket=ticket, kind=kind, author="agent:1", channel=Entry.Channel.DESK, body=SECRET, at=now)
    answered(ticket, body="Hello Kestrel")
    for path in ("/help/", f"/help/{ticket.code}/", f"/help/{ticket.code}/case.txt", "/access-log/"):
        assert SECRET not in browser.get(path).text, path
    (letter,) = OutgoingEmail.objects.filter(line=line)
    told = [unseal(letter.body_sealed), *(unseal(one.words_sealed) for one in Message.objects.filter(kind="case"))]
    assert len(told) == 2
    assert unseal(letter.to_sealed) == "me@example.net"
    assert not [one for one in told if SECRET in one or "Kestrel" in one or "Who is this" in one]
    assert all(f"/help/{ticket.code}/" in one for one in told)


def test_what_is_sent_twice_is_one_case_and_one_message() -> None:
    browser = signed_in(a_line())
    first = asks(browser)
    assert asks(browser) == first
    said = f"/help/{first.code}/reply/", {"message": "And the day before?"}
    for _ in range(2):
        assert browser.post(*said).url == f"/help/{first.code}/"
    thread = Entry.objects.filter(ticket=first, kind="heard").values_list("body", flat=True)
    assert list(thread) == ["Who is this?", "And the day before?"]
    # Said anew once it was answered, of another matter, or with a file: another message.
    answered(first)
    assert browser.post(*said).url == f"/help/{first.code}/"
    assert len(thread.all()) == 3
    second = asks(browser)
    with_a_file = asks(browser, uploads=SimpleUploadedFile("a.png", PNG))
    assert asks(browser, uploads=SimpleUploadedFile("a.png", PNG)) == with_a_file
    assert len({first, second, with_a_file, asks(browser, topic="sign_in")}) == Ticket.objects.count() == 4


def test_what_is_too_long_is_counted_and_stays() -> None:
    browser = signed_in(a_line())
    page = browser.client.post("/help/write/", {"topic": "other", "message": "ab\r\n" * 3400})
    assert page.status_code == 400
    said = page.content.decode()
    assert "Your message has 10199 characters. The limit is 10000. Take out 199 or more." in said
    assert said.count("ab\r\n") >= 3399
    assert Ticket.objects.count() == 0


def test_for_thirty_days_a_closed_case_is_opened_again(world: World) -> None:
    browser = signed_in(world.line)
    ticket, now = asks(browser), timezone.now()
    answered(ticket)
    for ago, status in ((29, 302), (31, 400)):
        ticket.refresh_from_db()
        for to in (State.SOLVED, State.CLOSED):
            if ticket.state != to:
                move(ticket=ticket, to=to, at=now - timedelta(days=ago))
                ticket.save()
        answer = browser.client.post(f"/help/{ticket.code}/reply/", {"message": f"After {ago} days."})
        assert answer.status_code == status
        assert ("closed more than 30 days ago" in answer.content.decode()) is (ago == 31)
    assert list(Entry.objects.filter(body__startswith="After").values_list("body", flat=True)) == ["After 29 days."]


def test_so_many_a_day_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asking.CASES_A_DAY == 20
    monkeypatch.setattr(asking, "CASES_A_DAY", 2)
    browser = signed_in(a_line())
    for n in range(2):
        asks(browser, message=f"Question {n}")
    page = browser.client.post("/help/write/", {"topic": "other", "message": "Once more"})
    assert page.status_code == 429
    assert "Once more" in page.content.decode()
    assert Ticket.objects.count() == 2


def test_a_dispute_has_its_case_beside_its_page(world: World) -> None:
    browser = signed_in(world.line)
    made = browser.post("/choices/dispute/", {"scope": "party", "ref": "https://securetrack.example"})
    choice = made.url.split("/")[-2]
    assert f'href="/help/dispute/{choice}/"' in browser.get(f"/help/{choice}/").text
    assert browser.get(f"/help/dispute/{choice}/").url == f"/help/ask/choice/{choice}/"
    tickets.open_tickets(at=timezone.now())
    ticket = Ticket.objects.get(kind="dispute")
    assert browser.get(f"/help/dispute/{choice}/").url == f"/help/{ticket.code}/"
    page = browser.get(f"/help/{ticket.code}/").text
    assert f'href="/help/{choice}/"' in page
    assert "You said you never agreed to" in page
    assert same_as_made_up(signed_in(a_line()), ticket)


def test_whoever_said_never_agreed_may_withdraw_it_and_the_stop_stays(world: World) -> None:
    browser, line = signed_in(world.line), world.line
    said: dict[str, Any] = {"scope": "party", "ref": "https://securetrack.example"}
    choice = browser.post("/choices/dispute/", said).url.split("/")[-2]
    path = f"/help/dispute/{choice}/withdraw/"
    assert f'action="{path}"' in browser.get(f"/help/{choice}/").text
    # Another's is not there, nor is one that somebody else said of the same line: staff on the phone, or its holder.
    assert signed_in(a_line()).post(path).status_code == 404
    others = choices.stop(line_id=line.pk, **said, actor="subscriber:0", channel="web", reason=NEVER_AGREED)
    assert others.repeated
    theirs = choices.stop(line_id=line.pk, scope="all", actor="agent:7", channel="desk", reason=NEVER_AGREED)
    assert browser.post(f"/help/dispute/{theirs.choice_id}/withdraw/").status_code == 404
    assert "/withdraw/" not in browser.get(f"/help/{theirs.choice_id}/").text
    assert "“I never agreed” was withdrawn" not in shown(browser, "/choices/")
    # At once, before there is a case, and once more: it is withdrawn once.
    for _ in range(2):
        assert browser.post(path).url == f"/help/{choice}/"
    ticket = Ticket.objects.get(kind="dispute", key=f"choice:{choice}")
    assert (ticket.state, Entry.objects.get(ticket=ticket).body) == (State.CLOSED, str(WITHDRAWN))
    # Nobody wrote it, so nobody is told that what they wrote was sent.
    assert browser.get(f"/help/sent/{ticket.code}/").status_code == 404
    assert Ticket.objects.get(key=f"choice:{theirs.choice_id}").state == State.PARTNER
    trail = AuditEvent.objects.filter(action="dispute.withdrawn").values_list("actor", "target", "line_id")
    assert list(trail) == [(f"subscriber:{user_of(line).pk}", f"choice:{choice}", line.pk)]
    page = shown(browser, f"/help/{choice}/")
    assert "“I never agreed” was withdrawn on" in page
    assert "The stop stays. We closed the case. If a company we asked still answers, its answer is added here." in page
    assert "Withdraw “I never agreed”" not in page
    page = shown(browser, f"/choices/{choice}/")
    assert "We opened a case" not in page
    assert "The stop stays. See the case" in page
    assert shown(browser, "/choices/").count("“I never agreed” was withdrawn on") == 1
    assert "Withdrew “I never agreed”" in shown(browser, "/access-log/")
    # What is said again is a dispute of its own, with its own case.
    again = choices.stop(
        line_id=line.pk, **said, actor=f"subscriber:{user_of(line).pk}", channel="web", reason=NEVER_AGREED
    )
    assert not again.repeated


def test_neither_a_child_nor_its_holder_withdraws_what_the_other_said() -> None:
    child, holder = a_line(account="A-1", role="minor"), a_line(account="A-1")
    browsers = {line: signed_in(line) for line in (child, holder)}
    for said_by, other, scope in ((child, holder, "all"), (holder, child, "purpose")):
        ref = "" if scope == "all" else a_campaign().purpose
        said = choices.stop(
            line_id=child.pk, scope=scope, ref=ref, actor=f"subscriber:{user_of(said_by).pk}", channel="web",
            reason=NEVER_AGREED,
        )  # fmt: skip
        path = f"/help/dispute/{said.choice_id}/withdraw/"
        assert (browsers[other].post(path).status_code, withdrawn_at(choice_id=said.choice_id)) == (404, None)
        assert path not in browsers[other].get(f"/help/{said.choice_id}/").text
        assert browsers[said_by].post(path).status_code == 302
        assert withdrawn_at(choice_id=said.choice_id) is not None


def test_the_file_with_everything_has_their_cases_and_no_others(world: World) -> None:
    line = world.line
    browser, now = signed_in(line), timezone.now()
    mine, others = asks(browser, message="Is it <mine>?"), asks(signed_in(a_line()), message="Not yours")
    tickets.write(ticket=mine, kind=Entry.Kind.NOTE, author="agent:1", channel=Entry.Channel.DESK, body=SECRET, at=now)
    answered(mine, body="Yes.")
    files = dict(cases(line=line, reader=user_of(line), at=timezone.now(), shown={"language": "en"}))
    assert sorted(files) == ["cases.html", "data/cases.json"]
    assert "Is it &lt;mine&gt;?" in files["cases.html"]
    (case,) = json.loads(files["data/cases.json"])
    assert (case["code"], [(part["by"], part["text"]) for part in case["thread"]]) == (
        mine.code, [("you", "Is it <mine>?"), ("support", "Yes.")],
    )  # fmt: skip
    assert not [one for one in files.values() if SECRET in one or "Not yours" in one or others.code in one]
    assert list(cases(line=a_line(), reader=user_of(line), at=now, shown={})) == []
    assert begins_at(
        lambda at: list(cases(line=line, reader=user_of(line), at=at, shown={"language": "en"})), mine.opened_at
    )


def test_who_has_two_lines_is_told_by_the_right_one() -> None:
    first = a_line()
    browser = signed_in(first)
    ticket = asks(browser)
    assert ticket.asked_by is not None
    second = a_line()
    LineUser.objects.filter(line=second).delete()
    LineUser.objects.create(line=second, user=ticket.asked_by, since=timezone.now())
    answered(ticket)
    told = Message.objects.filter(kind=Message.Kind.CASE)
    assert [one.line_id for one in told] == [first.pk]
    assert get_line_to_notify(ticket=Ticket(asked_by=ticket.asked_by, line_id=a_line().pk)) == second.pk
    # And by none that they have no more.
    LineUser.objects.filter(line=first).update(until=timezone.now())
    assert get_line_to_notify(ticket=ticket) == second.pk


def test_that_a_child_wrote_is_in_its_own_log() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    parent, kid = signed_in(holder), signed_in(child)
    query = f"?line={child.public_id}"
    answered(asks(kid))
    assert [said in kid.get("/access-log/").text for said in ("Wrote to us", "Answered a case")] == [True, True]
    assert [said in parent.get(f"/access-log/{query}").text for said in ("Wrote to us", "Answered a case")] == [
        False, False,
    ]  # fmt: skip
    # What the holder wrote about that line is theirs in the same way.
    answered(asks(parent, "/help/write/", line=str(child.public_id)))
    assert "Wrote to us" in parent.get(f"/access-log/{query}").text
    # What staff did in it they did about the child's line, and that stands in its own log.
    visits = kid.get("/access-log/").text.split('<div class="head">')
    assert [sum(said in one for one in visits) for said in ("Wrote to us", "Answered a case")] == [1, 2]
    out = StringIO()
    call_command("export_line", child.carrier_id, stdout=out, reason="Due")
    logged = [event["action"] for event in json.loads(out.getvalue())["access_log"]]
    assert (logged.count("ticket.asked"), logged.count("ticket.answered")) == (1, 2)


def test_a_found_child_s_case_is_in_its_own_log() -> None:
    holder, child = a_line(account="A-1"), a_line(account="A-1", role="minor")
    parent, kid = signed_in(holder), signed_in(child)
    code = asks(kid).code
    audit.actions.record_for_lines(
        action="ticket.found", actor=an_actor("agent"), at=timezone.now(), reason="Due",
        details={child.pk: {"tickets": [code]}},
    )  # fmt: skip
    found = "Found your case in a list"
    assert found in kid.get("/access-log/").text
    assert found not in parent.get(f"/access-log/?line={child.public_id}").text


def test_what_a_partner_signed_is_said_in_words() -> None:
    at = timezone.now()
    sent = SimpleNamespace(
        state="sent", queued_at=at, sent_at=None, acknowledged_at=None, complete_by=None, completed_at=None
    )
    for status, said in (
        ("in_progress", "Signed as begun"),
        ("completed", "Signed as done"),
        ("rejected", "Refused by the partner"),
    ):
        signed = ("signed", at, SimpleNamespace(status=status, at=at))
        told = SimpleNamespace(
            party=SimpleNamespace(name="GeoBridge", pk=1), sent=sent, events=[("queued", at, None), signed]
        )
        steps = render_to_string("desk/_told.html", {"case": {"told": [told]}}).partition("<ol")[2]
        assert (re.findall(r"<li>([^,<]*),", steps), status in steps) == ([said], False)
