"""What waits for an officer: the page leads to each act; e-mail and webhook count what came, and name nobody."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import Settings

import audit.actions
from accounts.actions.line_separation import request_separation
from accounts.actions.people import get_or_create_person
from accounts.models import Separation, User
from audit.models import AuditEvent, Incident
from console.queries.notifications import KINDS, OF_OFFICE, list_incidents_by_time_used
from partners.actions import proposals
from partners.models import Proposal
from support.models import NotificationChannel, Ticket
from support.policies.lifecycle import clock_began, move
from support.queries.counts import cap_count
from support.queries.due import HALF, NEARLY, filter_time_used
from support.queries.notifications import list_notifications
from support.workers import notifications
from support.workers.notifications import SETTLES_WITHIN
from tests.factories import a_campaign, a_contract, a_line, a_party
from tests.moments import IsSo, begins_at, ends_at
from tests.partners.outside import Answer, Outside
from tests.staff import an_actor
from tests.support.desk import a_ticket
from tests.support.officers import Member, rows_of, shown, staff
from tests.words.pages import read as parse

pytestmark = pytest.mark.usefixtures("db", "no_broker")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVENING = datetime(2026, 3, 2, 18, tzinfo=UTC)
NAMES = sorted({*OF_OFFICE} - {"separations"})
ON = {"is_on": "on", "told": NAMES, "quiet_from": "20", "quiet_until": "7", "zone": "UTC"}
CONSOLE = "http://localhost:8000/admin"
CODES = re.compile(r'class="code">(T-\w+)<')
TOLD = re.compile(r'<a href="(/desk/[^"]*)"><b>(\d+)</b> ([^<]+)</a>')
LINK = re.compile(r'<h2>(\d+) ([^<]+)</h2>\s*<a href="([^"]+)">')


def send_notifications(*, now: datetime) -> int:
    return notifications.send_notifications(kinds=KINDS, now=now)


def a_proposal(actor: str, name: str, *, at: datetime) -> Proposal:
    campaign = a_campaign(a_contract(a_party(name), ref=f"AGR-{name}"))
    return proposals.propose(
        act=Proposal.Act.EXTEND_TERM, of="contract", target_id=campaign.contract_id, reason="They asked.", at=at,
        actor=actor, payload={"ends_at": "2097-01-01T00:00:00+00:00"},
    )  # fmt: skip


def an_incident(kind: str, key: str, *, used: float, at: datetime, subject: str = "https://ash.example") -> None:
    """An incident of whose time to its first deadline this share is used."""
    audit.actions.open_incident(kind=kind, key=key, subject=subject, at=at - 60 * DAY)
    length = timedelta(days=10)
    rows = Incident.objects.filter(key=key)
    rows.update(opened_at=at - length * used, due_at=at + length * (1 - used))


def test_the_page_lists_what_waits_and_leads_to_exactly_that(officer: Member) -> None:
    at = timezone.now()
    assert "Nothing is waiting for you" in shown(officer, "/admin/notifications/")
    theirs = a_proposal(an_actor(), "Ash", at=at - HOUR)
    a_proposal(officer.actor, "Birch", at=at - HOUR)
    for key, used in (("early", 0.4), ("half", 0.6), ("nearly", 0.95), ("over", 1.2)):
        an_incident(Incident.Kind.UNGATED, key, used=used, at=at)
    an_incident(Incident.Kind.CANARY_FAILED, "canary", used=0.1, at=at)
    an_incident(Incident.Kind.OVERDUE, "partner", used=0.1, at=at)
    an_incident(Incident.Kind.UNGATED, "long over", used=1.5, at=at, subject=a_party("Birch").uri)
    page = officer.client.get("/admin/notifications/").content.decode()
    found = [(int(n), label, unescape(href)) for n, label, href in LINK.findall(page)]
    assert [(n, label) for n, label, _ in found] == [
        (1, "failure of the hourly stop test"), (2, "incidents past their notification deadline"),
        (1, "notification deadline with 90% of the time used"),
        (1, "notification deadline with half of the time used"),
        (1, "incident about a deadline that a partner missed"), (1, "proposal waiting for a second officer"),
    ]  # fmt: skip
    for n, label, href in found:
        assert len(rows_of(officer, href)) == n, label
    assert parse(page).all("ul", of_class="o-list")[1].entries == [
        f"A release without the gate's permission Birch {at - 5 * DAY:%-d %b %Y, %H:%M}",
        f"A release without the gate's permission Ash {at - 2 * DAY:%-d %b %Y, %H:%M}",
    ]
    assert f'<a href="/admin/proposals/{theirs.pk}/">' in page
    auditor = staff(User.Role.AUDITOR)
    read = shown(auditor, "/admin/notifications/")
    assert "What is waiting for officers, most urgent first." in read
    assert "2 proposals waiting" in read
    assert auditor.client.post("/admin/notifications/", ON).status_code == 403


def test_officers_are_told_of_escalated_cases_and_of_line_separations(officer: Member) -> None:
    at, line = timezone.now(), a_line()
    escalated, waiting = (
        a_ticket(at=at, escalated_at=at - n * HOUR, state=state) for n, state in ((1, "open"), (2, "partner"))
    )
    a_ticket(at=at)
    a_ticket(at=at, escalated_at=at, state="solved")
    request_separation(line_id=line.pk, user=get_or_create_person(line=line, at=at), reach="By mail.", note="", at=at)
    page = officer.client.get("/admin/notifications/").content.decode()
    found = {label: (int(n), unescape(href)) for n, label, href in LINK.findall(page)}
    assert found == {
        "line separation to work on, within two business days": (1, "/admin/separations/"),
        "cases that the desk escalated": (2, "/desk/?whose=office"),
    }
    for one in (escalated, waiting):
        assert f'<a href="/desk/{one.code}/">{one.code}</a>' in page
    assert officer.client.get("/desk/?whose=office").content.decode().count('<li class="case') == 2
    # A request in confidence is told to nobody who doesn't work on it.
    for reader in ("auditor:1", ""):
        assert [one.name for one in list_notifications(kinds=OF_OFFICE, reader=reader, at=at)] == ["escalated"]


def test_an_overdue_case_is_told_to_whom_it_is_assigned(officer: Member, second: Member) -> None:
    late = a_ticket(assignee=officer.user, due_in=-4 * DAY)
    a_ticket(assignee=officer.user)
    a_ticket(due_in=-DAY)
    page = officer.client.get("/admin/notifications/").content.decode()
    found = [(n, label, unescape(href)) for n, label, href in LINK.findall(page)]
    assert found == [("1", "overdue case assigned to you", "/desk/?whose=mine&overdue=on")]
    assert f'<a href="/desk/{late.code}/">{late.code}</a>' in page
    assert officer.client.get(found[0][2]).content.decode().count('<li class="case') == 1
    assert "Nothing is waiting for you" in shown(second, "/admin/notifications/")


def test_a_case_of_one_s_own_is_told_when_half_and_nearly_all_of_its_time_is_used(
    officer: Member, second: Member
) -> None:
    at = timezone.now()
    made: dict[str, set[str]] = {}
    for name, n, used in (("early", 4, 0.4), ("half", 1, 0.6), ("nearly", 2, 0.95), ("over", 3, 1.2)):
        its_own = [a_ticket(assignee=officer.user, at=at - 4 * DAY * used, due_in=4 * DAY) for _ in range(n)]
        made[name] = {one.code for one in its_own}
        # Nobody waits for these, or somebody else has them.
        a_ticket(assignee=officer.user, at=at - 4 * DAY * used, due_in=4 * DAY, state="waiting")
        a_ticket(at=at - 4 * DAY * used, due_in=4 * DAY)
    page = officer.client.get("/admin/notifications/").content.decode()
    found = [(n, label, unescape(href)) for n, label, href in LINK.findall(page)]
    assert found == [
        ("3", "overdue cases assigned to you", "/desk/?whose=mine&overdue=on"),
        ("2", "cases assigned to you with 90% of their time used", "/desk/?whose=mine&used=nearly"),
        ("1", "case assigned to you with half of its time used", "/desk/?whose=mine&used=half"),
    ]
    for name, (_, _, path) in zip(("over", "nearly", "half"), found, strict=True):
        assert {*CODES.findall(officer.client.get(path).text)} == made[name]
    assert "Nothing is waiting for you" in shown(second, "/admin/notifications/")
    Ticket.objects.filter(code=made["nearly"].pop()).update(assignee=second.user)
    assert "1 case assigned to you with 90% of its time used" in shown(second, "/admin/notifications/")


def test_an_agent_is_told_on_every_page_of_the_desk_how_far_the_time_of_their_own_cases_is_used() -> None:
    at, agent, other = timezone.now(), staff(User.Role.AGENT), staff(User.Role.AGENT, name="other")
    own = ("/desk/?whose=mine&used=nearly", "/desk/?whose=mine&used=half")

    def told(member: Member, path: str) -> list[tuple[str, str, str]]:
        found = TOLD.findall(member.client.get(path).text)
        return [(unescape(href), n, words) for href, n, words in found if "used=" in href]

    made: dict[str, set[str]] = {}
    for name, n, used in (("early", 4, 0.4), ("half", 1, 0.6), ("nearly", 2, 0.95), ("over", 3, 1.2)):
        its_own = [a_ticket(assignee=agent.user, at=at - 4 * DAY * used, due_in=4 * DAY) for _ in range(n)]
        made[name] = {one.code for one in its_own}
        # A case that waits for its person has no clock, and nobody has the third.
        a_ticket(assignee=agent.user, at=at - 4 * DAY * used, due_in=4 * DAY, state="waiting")
        a_ticket(at=at - 4 * DAY * used, due_in=4 * DAY)
    said = [(own[0], "2", "mine, 90% of the time used"), (own[1], "1", "mine, half of the time used")]
    assert [told(agent, path) for path in ("/desk/", "/desk/counts/")] == [said, said]
    assert [{*CODES.findall(agent.client.get(path).text)} for path in own] == [made["nearly"], made["half"]]
    assert told(other, "/desk/counts/") == []
    agent.client.cookies["django_language"] = "es"
    assert [words for _, _, words in told(agent, "/desk/")] == [
        "míos, con el 90 % del tiempo usado", "míos, con la mitad del tiempo usado",
    ]  # fmt: skip


def test_the_time_of_a_case_is_counted_from_when_its_clock_began_again() -> None:
    """A reopened case has its whole time before it; one that waits for its person has no clock."""
    monday = datetime(2026, 3, 2, 18, tzinfo=UTC)
    case = a_ticket(kind="sign_in", at=monday - 60 * DAY, state="closed", closed_at=monday - 30 * DAY)

    def is_used(least: float, most: float) -> IsSo:
        return lambda moment: Ticket.objects.filter(filter_time_used(least=least, most=most, at=moment)).exists()

    move(ticket=case, to=Ticket.State.OPEN, at=monday)
    case.save()
    assert (case.due_at, clock_began(ticket=case)) == (monday + DAY, monday)
    assert begins_at(is_used(HALF, NEARLY), monday + 12 * HOUR)
    assert ends_at(is_used(HALF, NEARLY), monday + 21.6 * HOUR)
    assert begins_at(is_used(NEARLY, 1), monday + 21.6 * HOUR)
    assert ends_at(is_used(NEARLY, 1), monday + DAY)
    move(ticket=case, to=Ticket.State.WAITING, at=monday + HOUR)
    case.save()
    assert not is_used(0, 1)(monday + 12 * HOUR)


def test_an_officer_whom_a_note_mentions_is_told_for_a_week(officer: Member) -> None:
    second, party, at = staff(name="second"), a_party("Ash"), timezone.now()
    second.client.post("/admin/notifications/", ON)
    note = {"reason": "Look at this.", "owner": "same", "mentions": [second.actor]}
    assert officer.client.post(f"/admin/note/party/{party.pk}/", note).status_code == 302
    assert f"company: note added (mentioned: {second.user.email})" in shown(officer, f"/admin/parties/{party.pk}/")
    page = second.client.get("/admin/notifications/").content.decode()
    assert LINK.findall(page) == [("1", "note that mentions you", "/admin/trail/?mentions=me")]
    assert f'<a href="/admin/parties/{party.pk}/">Note that mentions you</a><small><bdi>Ash</bdi></small>' in page
    assert len(rows_of(second, "/admin/trail/?mentions=me")) == 1
    assert rows_of(officer, "/admin/trail/?mentions=me") == []
    assert "Nothing is waiting for you" in shown(officer, "/admin/notifications/")
    NotificationChannel.objects.update(quiet_from=0, quiet_until=0, told_at=at - 2 * HOUR)
    assert send_notifications(now=timezone.now() + 2 * SETTLES_WITHIN) == 1
    assert mail.outbox[0].to == [second.user.email]
    assert f"1 note that mentions you (1 new): {CONSOLE}/trail/?mentions=me" in mail.outbox[0].body
    assert "Ash" not in mail.outbox[0].body
    written = AuditEvent.objects.get(action="party.noted").at
    for after, names in ((timedelta(days=7, microseconds=-1), ["mentions"]), (timedelta(days=7), [])):
        found = list_notifications(kinds=OF_OFFICE, reader=second.actor, at=written + after)
        assert [one.name for one in found] == names
    gone = "This person isn't an active officer. Choose someone else."
    User.objects.filter(pk=second.user.pk).update(is_active=False)
    for chosen in ({"mentions": [second.actor]}, {"owner": second.actor, "mentions": []}):
        page = shown(officer, f"/admin/note/party/{party.pk}/", {**note, **chosen})
        assert page.count(gone) == 1
        assert "officer:" not in page


def test_a_line_separation_is_sent_to_nobody_and_says_when_it_is_overdue(officer: Member) -> None:
    asked_at, line = EVENING - HOUR, a_line()
    request_separation(
        line_id=line.pk, user=get_or_create_person(line=line, at=asked_at), reach="By mail.", note="", at=asked_at
    )
    Separation.objects.update(due_at=EVENING + DAY)
    officer.client.post("/admin/notifications/", ON)
    NotificationChannel.objects.update(told_at=EVENING - 2 * HOUR)
    assert send_notifications(now=EVENING) == 0
    a_ticket(at=EVENING, escalated_at=EVENING - 2 * SETTLES_WITHIN)
    assert send_notifications(now=EVENING) == 1
    (sent,) = mail.outbox
    assert sent.subject == "Whereabouts: 1 new item needs attention"
    assert sent.body.splitlines()[2:4] == [
        "1 case that the desk escalated (1 new): http://localhost:8000/desk/?whose=office",
        "",
    ]
    found = [list_notifications(kinds=OF_OFFICE, reader=officer.actor, at=EVENING + n * DAY)[0] for n in (0, 2)]
    assert [one.found.items[0].about for one in found] == [
        "asked 2 Mar 2026, 17:00 UTC, due 3 Mar 2026, 18:00 UTC",
        "asked 2 Mar 2026, 17:00 UTC, overdue since 3 Mar 2026, 18:00 UTC",
    ]


def test_no_crowd_of_earlier_deadlines_hides_one_that_is_half_used(officer: Member) -> None:
    at = timezone.now()
    an_incident(Incident.Kind.UNGATED, "half", used=0.6, at=at)
    soon = {"kind": Incident.Kind.UNGATED, "subject": "", "opened_at": at - HOUR, "due_at": at + DAY}
    Incident.objects.bulk_create(Incident(key=f"soon {n}", count=1, **soon) for n in range(10_001))
    page = officer.client.get("/admin/notifications/").content.decode()
    assert "<h2>1 notification deadline with half of the time used</h2>" in page
    assert len(rows_of(officer, "/admin/incidents/?due=half")) == 1


def test_a_share_of_the_time_is_used_from_its_moment_on() -> None:
    at = timezone.now()
    an_incident(Incident.Kind.UNGATED, "k", used=0, at=at)

    def is_used(least: float, most: float) -> IsSo:
        return lambda moment: list_incidents_by_time_used(
            incidents=Incident.objects.all(), least=least, most=most, at=moment
        )

    assert begins_at(is_used(HALF, NEARLY), at + 5 * DAY)
    assert ends_at(is_used(HALF, NEARLY), at + 9 * DAY)
    assert begins_at(is_used(NEARLY, 1), at + 9 * DAY)
    assert ends_at(is_used(NEARLY, 1), at + 10 * DAY)


def test_an_email_counts_what_came_and_names_nobody(officer: Member, settings: Settings) -> None:
    assert officer.client.post("/admin/notifications/", ON).status_code == 302
    event = AuditEvent.objects.get(action="notifications.chosen")
    assert (event.actor, event.target) == (officer.actor, f"notifications:{officer.user.pk}")
    NotificationChannel.objects.update(told_at=EVENING)
    # The last moment that the message at 19:00 counts as new: the next one does not.
    a_proposal(an_actor(), "Ash", at=EVENING + HOUR - SETTLES_WITHIN)
    an_incident(Incident.Kind.UNGATED, "k", used=0.5, at=EVENING + timedelta(minutes=30))
    # Not within the hour after the last, and not what was dated a moment ago.
    assert [send_notifications(now=EVENING + timedelta(minutes=n)) for n in (50, 60, 61, 125)] == [0, 1, 0, 0]
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["first@carrier.example"], "Whereabouts: 2 new items need attention")
    assert sent.body.splitlines()[2:4] == [
        f"1 notification deadline with half of the time used (1 new): {CONSOLE}/incidents/?due=half",
        f"1 proposal waiting for a second officer (1 new): {CONSOLE}/proposals/?state=open&by=others",
    ]
    assert "Ash" not in sent.body.title()
    # In quiet hours nothing; then what came meanwhile, with what waits still.
    a_proposal(an_actor(), "Birch", at=EVENING + HOUR)
    # Other hours, chosen meanwhile, lose nothing.
    assert officer.client.post("/admin/notifications/", {**ON, "quiet_from": "21"}).status_code == 302
    assert [send_notifications(now=EVENING + n * HOUR) for n in (3, 12, 13)] == [0, 0, 1]
    assert "2 proposals waiting for a second officer (1 new)" in mail.outbox[1].body
    # Nor does anything go to who left.
    a_proposal(an_actor(), "Alder", at=EVENING + 13 * HOUR)
    User.objects.filter(pk=officer.user.pk).update(is_active=False)
    assert send_notifications(now=EVENING + 15 * HOUR) == 0
    User.objects.filter(pk=officer.user.pk).update(is_active=True)
    assert officer.client.post("/admin/notifications/", {**ON, "is_on": ""}).status_code == 302
    a_proposal(an_actor(), "Cedar", at=timezone.now())
    assert send_notifications(now=timezone.now() + DAY) == 0


def test_the_webhook_is_asked_until_it_takes_it(outside: Outside, settings: Settings) -> None:
    settings.STAFF_WEBHOOK_URL, settings.STAFF_WEBHOOK_QUIET = f"{outside.url}/hook", (3, 5, "UTC")
    assert send_notifications(now=EVENING) == 0
    for name in ("Ash", "Birch"):
        a_proposal(an_actor(), name, at=EVENING + HOUR)
    outside.answers = [Answer(500), Answer(200)]
    assert [send_notifications(now=EVENING + n * HOUR) for n in (9, 11, 12, 13)] == [0, 0, 1, 0]
    assert [json.loads(one.body) for one in outside.posted] == [{
        "text": f"Waiting in Whereabouts:\n2 proposals waiting for a second officer (2 new): {CONSOLE}/proposals/"
        "?state=open&by=others"
    }] * 2  # fmt: skip


def test_one_bad_address_keeps_no_other_message_back(
    officer: Member, second: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    for one in (officer, second):
        assert one.client.post("/admin/notifications/", ON).status_code == 302
    User.objects.filter(pk=officer.user.pk).update(email="first\n@carrier.example")
    NotificationChannel.objects.update(told_at=EVENING)
    monkeypatch.setattr("console.queries.notifications.CAP", 1)
    monkeypatch.setattr("support.queries.counts.CAP", 1)
    assert [str(cap_count(n)) for n in (1, 2)] == ["1", "more than 1"]
    for name in ("Ash", "Birch"):
        a_proposal(an_actor(), name, at=EVENING + timedelta(minutes=20))
    assert send_notifications(now=EVENING + HOUR) == 1
    (sent,) = mail.outbox
    assert sent.to == ["second@carrier.example"]
    assert "more than 1 proposals waiting for a second officer" in sent.body
