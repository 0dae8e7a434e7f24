"""Pages of visitors and subscribers in states that are seldom, each with its title, word for word.

Each state is brought about for a line of its own, so that what is read says nothing of another.
"""

import io
import uuid
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import zip_longest

from django.db.models import F
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import timezone

import audit.actions
from accounts.actions import delegations
from accounts.actions.delegations import answer_delegation
from accounts.actions.line_separation import close_separation, request_separation, withdraw_separation
from accounts.actions.staff import make_staff
from accounts.domain import auth_factors
from accounts.domain.message_templates import TAKEN, WHAT, WHO
from accounts.models import Line, NewPassword, Separation, User
from consent.actions import choices, system_stops
from consent.workers import archive_comparison
from disclosures.models import Anomaly, AnomalyRule
from disclosures.workers import archiving, publishing
from partners.models import Campaign, Contract
from revocations.models import DownstreamReport, Order, State
from support.actions import asking
from support.actions.asking import IncomingMessage
from support.domain import tickets
from support.models import Attachment, Entry, Ticket
from support.queries.subjects import subject_of
from tests.agents import an_agent_asks
from tests.browser.pages import MISSING
from tests.consent.claiming import a_partner, asked, link_in, prove, say_yes, text_now
from tests.factories import a_campaign, a_contract, a_line, a_party, a_safe_contact, an_approval
from tests.figures import when_counted
from tests.orders import bring_to
from tests.people import (
    Browser,
    Page,
    asked_for_new_password,
    newest_text,
    number_of,
    sign_in,
    sign_in_by_code,
    signed_in,
    user_of,
)  # fmt: skip
from tests.staff import an_actor
from tests.words.pages import changes
from tests.words.pages import read as read_part
from tests.words.transcripts import transcript
from tests.world import disclosed, gagged

type Read = Iterator[tuple[str, list[str]]]
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)
WITH_SIGNAL = {"sec_gpc": "1"}
# What a page shows that no way through the doors of a test comes by.
BARE: Mapping[str, Mapping[str, object]] = {
    "503.html": {"phone": "+1 206 555 0100"},
    "pages/busy.html": {},
    "pages/downloading.html": {},
    "account/carrier_refused.html": {},
    "account/carrier_signal.html": {},
    "account/not_vouched.html": {},
}


def pages(at: datetime) -> Read:
    """Every state, by its title. `at`: long enough ago that pages say it in days."""
    yield from nothing_counted()
    for name, known in BARE.items():
        yield name, transcript(render_to_string(name, dict(known), RequestFactory().get("/")))
    text = {"at": "2051-06-14T19:00:00.5", "text": "localhost: 123456 is your code."}
    for title, phones in (("without a text", {}), ("with a text", {"+12065550142": [text]})):
        page = render_to_string("demo_phone.html", {"phones": phones}, RequestFactory().get("/"))
        yield f"the demo's phones, {title}", transcript(page)
    yield from around_every_page()
    yield from with_a_signal()
    yield from ways_in()
    yield from lines()
    yield from every_act_in_the_log()
    yield from those_who_look_after()
    yield from in_confidence(at)
    yield from questions()
    yield from partners_stand()
    yield from what_we_did_ourselves()
    yield from cases(at)
    yield from a_file_of_everything()
    yield from while_the_gate_is_closed()


def read(browser: Browser, path: str, **headers: str) -> list[str]:
    """A page that is there."""
    page = browser.get(path, **headers)
    assert page.status_code == 200, (path, page.status_code, page.url)
    return told(page)


def told(page: Page) -> list[str]:
    """The answer to what was sent, without the picture of look-ups and without the words of a statement."""
    return transcript(page.text, but=("chart", "more"))


def a_life() -> Line:
    """A line that agreed to one service, which got its location once, through one company."""
    at, line = timezone.now(), a_line()
    contract = Contract.objects.filter(ref="AGR-aspen").first() or a_contract(a_party("Aspen Link"), ref="AGR-aspen")
    service = a_party("Aspen Aid", "lbs_provider")
    campaign = Campaign.objects.filter(ref="CMP-aspen").first() or a_campaign(contract, service, ref="CMP-aspen")
    an_approval(line, campaign, at=at - 90 * DAY)
    disclosed(line, [contract.aggregator.uri, service.uri], at=at - DAY, campaign=campaign.ref)
    return line


def nothing_counted() -> Read:
    """Transparency report before there are any, and where there is nothing to count."""
    yield "figures: not counted yet", read(Browser(), "/transparency/")
    publishing.make(at=when_counted(timezone.now()))
    nothing = read(Browser(), "/transparency/")
    yield "figures: of nothing", transcript(Browser().get("/transparency/").text, but=("counted",))
    now = timezone.now()
    a_contract(a_party("Later Link"), ref="AGR-later", starts_at=now + 60 * DAY)
    a_contract(a_party("Over Link"), ref="AGR-over", ends_at=now - DAY)
    publishing.make(at=when_counted(now))
    yield "figures: one is yet to come, one has ended", changes(nothing, read(Browser(), "/transparency/"))


def around_every_page() -> Read:
    """What is above and below every page: of a stranger, and of somebody who is signed in."""
    for who, browser in (("a stranger", Browser()), ("somebody", signed_in(a_line()))):
        yield f"around a page of {who}", transcript(browser.get(MISSING).text, around=True)
    yield "what machines may call", transcript(Browser().get("/api/v1/docs").text, but=("pre",))


def with_a_signal() -> Read:
    """A browser sends the privacy signal: of a stranger, from the sign-in on, and only since then."""
    yield "signal of a stranger", told(Browser().get(MISSING, **WITH_SIGNAL))
    browser = signed_in(a_line())
    yield "signal since the sign-in", told(browser.get(MISSING, **WITH_SIGNAL))
    yield "its page since the sign-in", read(browser, "/choices/signal/", **WITH_SIGNAL)
    line, browser = a_line(), Browser()
    browser.client.defaults["HTTP_SEC_GPC"] = "1"
    sign_in(line, browser)
    yield "signal at the sign-in", told(browser.get(MISSING))
    line, browser = a_life(), Browser()
    browser.client.defaults["HTTP_SEC_GPC"] = "1"
    browser.post("/stop/", {"number": number_of(line)})
    browser.post("/stop/code/", {"code": newest_text(number_of(line)).code})
    yield "signal at the stop page, where it stopped everything", read(browser, "/stop/all/")
    yield "its page, where it stopped everything", read(signed_in(line), "/choices/signal/")


def ways_in() -> Read:
    """Passwords forgotten and kept, an invitation of staff, another browser."""
    refused = Browser().post("/choices/stop/", {"scope": "all"})
    yield "signed out when it was sent", read(Browser(), refused.url)
    line = a_line()
    signed_in(line)
    yield "a password forgotten", read(sign_in_by_code(line), "/accounts/password/forgotten/")
    link = asked_for_new_password(line)
    browser = signed_in(line)
    yield "settings while a password waits", read(browser, "/settings/")
    yield "two browsers", read(browser, "/accounts/sessions/")
    NewPassword.objects.filter(user=user_of(line)).update(
        asked_at=F("asked_at") - DAY, counts_from=F("counts_from") - DAY, expires_at=F("expires_at") - DAY
    )
    yield "a password forgotten a day ago", read(sign_in_by_code(line), "/accounts/password/forgotten/")
    yield "the old one kept", told(Browser().post(link))
    user = make_staff(email="invited@carrier.example", role=User.Role.AGENT, actor=an_actor(), at=timezone.now())
    browser, path = Browser(), auth_factors.invitation_path(user=user)
    page = browser.get(path)
    yield "invited as staff", told(browser.get(page.url) if page.url else page)
    yield "somebody's first day", read(signed_in(a_line()), "/access-log/companies/")


def lines() -> Read:
    """Lines of one account, by who may see which; and one that ended."""
    now = timezone.now()
    holder = a_line(account="A-seldom", state="WA")
    a_line(account="A-seldom")
    a_line(account="A-seldom", role="minor")
    a_line(account="A-seldom", role="user")
    new = a_line(account="A-seldom", role="minor")
    Line.objects.filter(pk=new.pk).update(holder_known_at=now)
    yield "lines of an account", read(signed_in(holder), "/lines/")


def every_act_in_the_log() -> Read:
    """Whatever may stand in the log of a line, with its name as the reason; by each of those who may do anything."""
    line = a_line()
    person, at = signed_in(line), timezone.now()
    acts = [(name, "system:test", name) for name in sorted(WHAT)]
    acts += [("line.exported", f"{who}:7", what) for who, what in zip_longest(WHO, TAKEN, fillvalue="history.csv")]
    acts.append(("something.new", "nobody:7", "of a later release"))
    for n, (action, actor, reason) in enumerate(acts):
        audit.actions.record(
            action=action, actor=actor, target=f"line:{line.pk}", line_id=line.pk, reason=reason, at=at + n * MOMENT
        )
    pages = -(-(len(acts) + 2) // 50)
    for page in range(1, pages + 1):
        yield f"the log, page {page}", read(person, f"/access-log/?page={page}")


def those_who_look_after() -> Read:
    """What may be done by who was asked, and what the line's person reads of them."""
    now = timezone.now()
    line = a_life()
    person = signed_in(line)
    yield "nobody looks after it", read(person, "/lines/delegates/")
    for n, may in enumerate(("see", "stop", "both")):
        at = now - (9 - 2 * n) * timedelta(minutes=1)
        friend = a_line()
        browser = signed_in(friend)
        made = delegations.delegate(
            line_id=line.pk, user=user_of(line), msisdn=number_of(friend), may=may, ends_at=now + 30 * DAY, at=at
        )
        yield f"asked to {may}", read(browser, f"/lines/asked/{made}/")
        taken_at = at + timedelta(seconds=30 * (n + 1))
        answer_delegation(delegation_id=made, user=user_of(friend), line_id=friend.pk, answer="yes", at=taken_at)
        yield f"looks after it: {may}", read(browser, f"/lines/asked/{made}/")
        yield f"lines of who may {may}", read(browser, "/lines/")
        if may != "stop":
            yield f"home of who may {may}", read(browser, f"/home/?line={line.public_id}")
    yield "three look after it", read(person, "/lines/delegates/")


def in_confidence(at: datetime) -> Read:
    """A safe contact, and a line that is to leave its account."""
    line = a_line()
    person = signed_in(line)
    person.post("/lines/contact/", {"number": "+12065550166"})
    yield "a contact not proved yet", read(person, "/lines/contact/")
    line = a_line()
    a_safe_contact(line, msisdn="+12065550167", at=timezone.now())
    yield "a contact proved", read(signed_in(line), "/lines/contact/")
    asked_already = Separation.State
    for state in (asked_already.OPEN, asked_already.TAKEN_BACK, asked_already.DONE, asked_already.NOT_DONE):
        line = a_line(role="user")
        person = signed_in(line)
        request_separation(line_id=line.pk, user=user_of(line), reach="Write to me", note="", at=at)
        found = Separation.objects.get(line=line)
        if state == Separation.State.TAKEN_BACK:
            withdraw_separation(line_id=line.pk, user=user_of(line), at=timezone.now())
        elif state != Separation.State.OPEN:
            is_done = state == Separation.State.DONE
            close_separation(
                separation_id=found.pk, done=is_done, tell_from=timezone.now() + 30 * DAY, actor=an_actor(),
                reason="test", at=timezone.now(),
            )  # fmt: skip
        yield f"a line of its own: {state}", read(person, "/lines/separation/")
    yield "a line of its own, by code", read(sign_in_by_code(line), "/lines/separation/")


def questions() -> Read:
    """What a company and an agent asked, answered otherwise than the walk answers it, and over."""
    for door in ("ask", "authorized/by-text"):
        yield f"no question: {door}", told(Browser().get(f"/{door}/nothing/"))
    path = an_agent_asks(a_line())
    yield "an agent is refused", told(Browser().post(path, {"refuse": "1"}))
    partner, number = a_partner("Aster Link", provider="Aster Aid"), number_of(a_line())
    assert partner.one(partner.claim(id="seldom", msisdn=number))[1]["status"] == "accepted"
    assert text_now() == 1
    link = link_in(asked(number)[0])
    browser, page = prove(link, number)
    yield "a question", told(page)
    answer = say_yes(browser, link)
    yield "a yes", read(browser, answer.url)


def partners_stand() -> Read:
    """What home says where a pause, and a stop of one company, was taken and signed; and news of its one partner."""
    until = timezone.now() + 3 * DAY
    for state in (State.ACKNOWLEDGED, State.PARTIAL, State.COMPLETED):
        for what in ("pause", "stop"):
            line = a_life()
            uri = "https://aspenaid.example"
            if what == "pause":
                made = choices.pause(
                    line_id=line.pk, scope="party", ref=uri, until=until, actor="subscriber:1", channel="web"
                )
            else:
                made = choices.stop(line_id=line.pk, scope="party", ref=uri, actor="subscriber:1", channel="web")
            at = timezone.now()
            done = {"completed_at": at} if state != State.ACKNOWLEDGED else {}
            if state == State.COMPLETED:
                _signed_below(line, at)
            bring_to(state, Order.objects.filter(line_id=line.pk), sent_at=at, acknowledged_at=at, **done)
            person = signed_in(line)
            yield f"home after a {what}: {state}", read(person, "/home/")
            yield f"choices after a {what}: {state}", read(person, "/choices/")
            part = read_part(person.get(f"/choices/{made.choice_id}/progress/"))
            yield f"news of a {what}: {state}", [part.one("p", id="progress-news").words]
            if (state, what) == (State.PARTIAL, "stop"):
                _signed_below(line, at)
                yield "choices after a stop: partial, though the service signed", read(person, "/choices/")


def what_we_did_ourselves() -> Read:
    """A company that we suspended, for a line and for all; and the history from a place on."""
    now, line = timezone.now(), a_life()
    person = signed_in(line)
    yield "history from a place on", read(person, f"/history/?before={now:%Y-%m-%dT%H:%M:%S}_{uuid.UUID(int=0)}")
    service = a_party("Aspen Aid", "lbs_provider")
    path = ["https://aspenlink.example", service.uri]
    (row, _) = disclosed(line, path, at=now - DAY, n=2, campaign="CMP-aspen", judgement="partner_suspended")
    Anomaly.objects.create(
        kind="suspended", line_id=line.pk, party=service.uri, period=row.occurred_at.date().replace(day=1),
        first_at=row.occurred_at, last_at=row.occurred_at, newest_at=row.occurred_at, n=2, looks=2,
        rule=AnomalyRule.objects.get(kind="suspended", version=1), found_at=now, changed_at=now, grown_at=now,
    )  # fmt: skip
    system_stops.stop_company(line_id=line.pk, party=service.uri, after=now, actor="system:anomalies", at=now)
    for path_of in ("/home/", f"/companies/{service.pk}/", "/history/", "/choices/"):
        title = path_of.split("/")[1]
        yield f"{title} after we suspended a company", read(person, path_of)


def cases(at: datetime) -> Read:
    """A case in each of its states, as who asked reads it."""
    moves = (("partner", 0), ("waiting", 0), ("solved", 0), ("closed", 0), ("closed", 31))
    for state, days in moves:
        line = a_line()
        person = signed_in(line)
        ticket = _asked(line, at)
        case, done = Ticket.objects.filter(pk=ticket.pk), at - days * DAY
        if state in {"partner", "waiting"}:
            case.update(state=state)
        else:
            case.update(
                state="solved",
                solved_at=done,
                first_answer_at=done,
                rating=4 if days else None,
                rated_at=done if days else None,
            )
        if state == "closed":
            case.update(state="closed", closed_at=done)
        yield f"a case: {state} {days}", read(person, f"/help/{ticket.code}/")
    line = a_line()
    person = signed_in(line)
    ticket = _asked(line, at)
    for scan in ("refused", "failed"):
        entry = tickets.write(
            ticket=ticket,
            kind=Entry.Kind.HEARD,
            author="subscriber:1",
            channel=Entry.Channel.MAIL if scan == "failed" else Entry.Channel.WEB,
            body=f"A file: {scan}",
            at=at,
        )
        for name in (scan, "after it"):
            _attach(entry, f"{name}.png", scan, at)
    yield "a case with files", read(person, f"/help/{ticket.code}/")
    yield "help of somebody who asked", read(person, "/help/")
    due = timezone.now()
    for title, due_at, state in (
        ("due now", due, "open"), ("late", due - MOMENT, "open"), ("late, with a partner", due - MOMENT, "partner"),
    ):  # fmt: skip
        Ticket.objects.filter(pk=ticket.pk).update(due_at=due_at, state=state)
        yield f"a case: {title}", read(person, f"/help/{ticket.code}/")
    answered = Ticket.objects.filter(pk=_asked(line, at).pk)
    answered.update(state="solved", solved_at=at, first_answer_at=at, last_at=at + 2 * DAY)
    Ticket.objects.filter(pk=ticket.pk).update(state="waiting")
    yield "help of whom we wait for, and answered since", transcript(person.get("/help/").text, but=("faq",))


def a_file_of_everything() -> Read:
    """Every page of the file that somebody takes with them: of whom little is known, of whom nothing, and much."""
    for title in ("", " of nothing", " of much"):
        line = a_line() if title == " of nothing" else a_life()
        person = signed_in(line)
        if not title:
            _asked(line, timezone.now())
        if title == " of much":
            _much_happened(line)
        person.post("/settings/archive/ask/")
        archiving.make(now=timezone.now())
        given = person.client.get("/settings/archive/whereabouts.zip")
        with zipfile.ZipFile(io.BytesIO(given.getvalue())) as packed:
            for n, name in enumerate(sorted(one for one in packed.namelist() if one.endswith(".html"))):
                yield f"the file's page {n}{title}", transcript(packed.read(name).decode())


def _much_happened(line: Line) -> None:
    """A path that is known in part, an order of a court that was lifted, a stop, and a case that was answered."""
    at = timezone.now() - 3 * DAY
    disclosed(line, ["https://aspenlink.example", "https://aspenaid.example", "unknown"], at=at)
    before = at - timedelta(hours=1)
    (row,) = disclosed(line, ["urn:police"], at=before, basis="legal_process", purpose="dpv:LegalCompliance")
    gagged(row, until=at + DAY, at=before)
    choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    subject = subject_of(line=line, kind="look_up", ref=str(row.id), at=timezone.now())
    said = IncomingMessage("Who was it?")
    case = asking.open_case(
        user=user_of(line), line=line, topic=Ticket.Kind.LOOK_UP, subject=subject, message=said, at=at + DAY
    )
    for name in ("first.png", "second.png"):
        _attach(Entry.objects.filter(ticket=case).earliest("at"), name, "clean", at)
    tickets.answer(ticket=case, body="The police.", actor="agent:1", then=Ticket.State.SOLVED, at=at + 2 * DAY)


def while_the_gate_is_closed() -> Read:
    """After a restore: what each page says of it. The last, because it closes the gate for all."""
    line = a_life()
    person = signed_in(line)
    archive_comparison.close_gate(why="restored")
    company = f"/companies/{a_party('Aspen Aid', 'lbs_provider').pk}/"
    for path in ("/home/", company, "/choices/", "/lines/", "/stop/"):
        yield f"gate closed: {'/companies/' if path == company else path}", read(person, path)


def _asked(line: Line, at: datetime) -> Ticket:
    """A case of the line's person."""
    said = IncomingMessage("Who looked at my phone?")
    asked = asking.open_case(user=user_of(line), line=line, topic=Ticket.Kind.OTHER, subject=None, message=said, at=at)
    Ticket.objects.filter(pk=asked.pk).update(last_at=at + timedelta(hours=30))
    return asked


def _signed_below(line: Line, at: datetime) -> None:
    """The service has signed, too, that it did what its partner was asked."""
    (order,) = Order.objects.filter(line_id=line.pk)
    DownstreamReport.objects.create(
        line_id=line.pk, order_id=order.id, party_uri="https://aspenaid.example", status="completed", at=at,
        signed=True, receipt_jti="below",
    )  # fmt: skip


def _attach(entry: Entry, name: str, scan: str, at: datetime) -> None:
    """A picture that came with what somebody wrote."""
    Attachment.objects.create(
        id=uuid.uuid4(), ticket=entry.ticket, entry=entry, name=name, media_type="image/png", size=5000,
        sha256="0" * 64, author="subscriber:1", at=at, scan=scan, scanned_at=at,
    )  # fmt: skip
