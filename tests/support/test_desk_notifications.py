"""What waits for an agent: their page leads to exactly those cases; the e-mail counts them, and names no case."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import User
from accounts.queries import StaffOnly
from audit.models import AuditEvent
from console.queries.notifications import KINDS
from support.actions.writing import add_note
from support.models import Draft, Entry, NotificationChannel
from support.queries.notifications import OF_DESK, list_notifications
from support.workers.notifications import SETTLES_WITHIN, send_notifications
from tests.support.desk import a_ticket
from tests.support.officers import Member, shown, staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PAGE, DESK = "/desk/notifications/", "http://localhost:8000/desk"
EVERY = ["own_cases", "own_nearly", "own_half", "given", "mentioned"]
ON = {"is_on": "on", "told": EVERY, "quiet_from": "0", "quiet_until": "0", "zone": "UTC"}
READ_AT_FIRST = (
    "Notifications What is waiting for you, most urgent first. Nothing is waiting for you Cases assigned to you "
    "appear here when half and 90% of their time is used, when they are overdue, and when a colleague gives you one. "
    "Cases with a note that mentions you appear here for 7 days. E-mail to new@carrier.example An e-mail says how "
    "many of each kind are waiting and where to find them. It names no case and no one. Nothing is sent in quiet "
    "hours. What comes then is sent when they end. E-mail me when something new is waiting, at most once an hour Tell "
    "me about Overdue cases assigned to you Cases assigned to you with 90% of their time used Cases assigned to you "
    "with half of their time used Cases that colleagues gave you, not opened yet Cases with a note that mentions you "
    "Quiet hours from"
)
FOUND = re.compile(r'<h2 id="[^"]*"><a href="([^"]+)">([^<]+)</a></h2>')
CODES = re.compile(r'class="code"[^>]*>(T-\w+)<')


def found(member: Member) -> list[tuple[str, str]]:
    return [(label, unescape(href)) for href, label in FOUND.findall(member.client.get(PAGE).text)]


def listed(member: Member, path: str) -> list[str]:
    return CODES.findall(member.client.get(path).text)


def give(lead: Member, code: str, to: Member) -> None:
    assert lead.client.post(f"/desk/{code}/assign/", {"to": str(to.user.pk)}).status_code == 302


def told(member: Member) -> list[str]:
    """The lines about what waits in the e-mail that is sent now."""
    NotificationChannel.objects.update(told_at=timezone.now() - DAY)
    mail.outbox.clear()
    send_notifications(kinds=KINDS, now=timezone.now() + 2 * SETTLES_WITHIN)
    return [line for one in mail.outbox if one.to == [member.user.email] for line in str(one.body).splitlines() if line]


def test_an_agent_s_page_lists_their_cases_and_leads_to_exactly_those() -> None:
    at, lead = timezone.now(), staff()
    agent, other = staff(User.Role.AGENT), staff(User.Role.AGENT, name="other")
    made = {}
    for name, used in {"early": 0.4, "half": 0.6, "nearly": 0.95, "over": 1.2}.items():
        opened = [at - 4 * DAY * used + n * timedelta(seconds=1) for n in range(2)]
        made[name] = [a_ticket(assignee=agent.user, at=one, due_in=4 * DAY).code for one in opened]
        a_ticket(assignee=other.user, at=at - 4 * DAY * used, due_in=4 * DAY)
    given = a_ticket(at=at).code
    give(lead, given, agent)
    assert found(agent) == [
        ("2 overdue cases assigned to you", "/desk/?whose=mine&overdue=on"),
        ("2 cases assigned to you with 90% of their time used", "/desk/?whose=mine&used=nearly"),
        ("2 cases assigned to you with half of their time used", "/desk/?whose=mine&used=half"),
        ("1 case that a colleague gave you, not opened yet", "/desk/?whose=given"),
    ]
    assert '<option value="given">Given to me, not opened yet</option>' in agent.client.get("/desk/").text
    codes = [made["over"], made["nearly"], made["half"], [given]]
    assert [listed(agent, path) for _label, path in found(agent)] == codes
    assert listed(agent, PAGE) == [one for some in codes for one in some]
    new = staff(User.Role.AGENT, name="new")
    assert READ_AT_FIRST in shown(new, PAGE)


def test_a_case_is_given_until_it_is_opened_or_goes_on() -> None:
    lead, agent, other = staff(), staff(User.Role.AGENT), staff(User.Role.AGENT, name="other")
    opened, passed_on, taken = (a_ticket().code for _ in range(3))
    for code in (opened, passed_on):
        give(lead, code, agent)
    assert agent.client.post(f"/desk/{taken}/claim/").status_code == 302
    assert found(agent) == [("2 cases that colleagues gave you, not opened yet", "/desk/?whose=given")]
    # Somebody else who looks opens it for nobody.
    other.client.get(f"/desk/{opened}/")
    assert sorted(listed(agent, "/desk/?whose=given")) == sorted([opened, passed_on])
    agent.client.get(f"/desk/{opened}/")
    give(lead, passed_on, other)
    assert (found(agent), listed(other, "/desk/?whose=given")) == ([], [passed_on])
    note = {"to": str(agent.user.pk), "note": "They called again."}
    assert other.client.post(f"/desk/{passed_on}/hand-over/", note).status_code == 302
    assert listed(agent, "/desk/?whose=given") == [passed_on]


def test_a_colleague_whom_a_note_in_a_case_mentions_is_told_for_a_week() -> None:
    agent, officer = staff(User.Role.AGENT), staff(name="omar")
    other, auditor = staff(User.Role.AGENT, name="other"), staff(User.Role.AUDITOR, name="eve")
    code, done = a_ticket(about="Nordic Ads").code, a_ticket(state="closed", closed_at=timezone.now()).code
    assert "Note for colleagues The person never sees it. Mention colleagues Mention Their" in shown(
        agent, f"/desk/{code}/"
    )
    offered = set(re.findall(r'name="mentions" value="([^"]+)"', agent.client.get(f"/desk/{code}/").text))
    assert offered == {officer.actor, other.actor}
    note = {"body": "Have you seen this?", "mentions": [officer.actor, other.actor]}
    for one in (code, done):
        assert agent.client.post(f"/desk/{one}/note/", note).status_code == 302
    assert "internal note Desk, " in (page := shown(other, f"/desk/{code}/"))
    assert "Mentioned: omar@carrier.example, other@carrier.example Have you seen this?" in page
    expected = [("2 cases with a note that mentions you", "/desk/?whose=mentioned&state=all")]
    assert (found(other), found(agent)) == (expected, [])
    assert sorted(listed(other, expected[0][1])) == sorted([code, done])
    assert '<option value="mentioned" selected>A note mentions me</option>' in other.client.get(expected[0][1]).text
    assert "2 cases with a note that mentions you See all" in shown(officer, "/admin/notifications/")
    assert "Nothing is waiting Proposals" in shown(auditor, "/admin/notifications/")
    trail = shown(officer, "/admin/trail/?about=ticket:")
    assert trail.count("case: note added mentioned: omar@carrier.example, other@carrier.example") == 2
    assert other.client.post(PAGE, ON).status_code == 302
    assert told(other)[1] == f"2 cases with a note that mentions you (2 new): {DESK}/?whose=mentioned&state=all"
    assert "Their notifications list this case for 7 days." in shown(agent, f"/desk/{code}/")
    written = AuditEvent.objects.filter(action="ticket.noted").order_by("at")[0].at
    two, one_left = expected[0][0], "1 case with a note that mentions you"
    for after, label in ((timedelta(days=7, microseconds=-1), two), (timedelta(days=7), one_left)):
        kinds = list_notifications(kinds=OF_DESK, reader=other.actor, at=written + after)
        assert [(one.name, one.label) for one in kinds] == [("mentioned", label)]


def test_only_who_works_on_cases_is_mentioned_and_nothing_typed_is_lost() -> None:
    agent, other, code = staff(User.Role.AGENT), staff(User.Role.AGENT, name="other"), a_ticket().code
    note = {"body": "Have you seen this?", "mentions": [other.actor]}
    User.objects.filter(pk=other.user.pk).update(is_active=False)
    page = agent.client.post(f"/desk/{code}/note/", note).content.decode()
    assert "This person no longer works on cases. Choose someone else." in page
    assert "Have you seen this?" in page
    assert not Entry.objects.filter(kind=Entry.Kind.NOTE).exists()
    with pytest.raises(StaffOnly, match=r"Choose someone at the desk."):
        add_note(code=code, body="Have you?", mentions=[other.actor], actor=agent.actor, at=timezone.now())


def chosen(member: Member, code: str) -> set[str]:
    page = member.client.get(f"/desk/{code}/").content.decode()
    return set(re.findall(r'name="mentions" value="([^"]+)"[^>]* checked', page))


def test_a_saved_note_keeps_whom_it_mentions_until_it_is_written() -> None:
    agent, other, gone = (staff(User.Role.AGENT, name=name) for name in ("agent", "other", "gone"))
    code, path = a_ticket().code, "write/draft/note/"
    User.objects.filter(pk=gone.user.pk).update(is_active=False)
    named = {"mentions": [other.actor, gone.actor, "made up"]}
    assert agent.client.post(f"/desk/{code}/{path}", {"body": "", **named}).status_code == 302
    assert Draft.objects.get().mentions == [other.actor]
    assert (chosen(agent, code), chosen(other, code)) == ({other.actor}, set())
    assert agent.client.post(f"/desk/{code}/{path}", {"body": "Have you", **named}).status_code == 302
    assert chosen(agent, code) == {other.actor}
    assert agent.client.post(f"/desk/{code}/note/", {"body": "Have you?", "mentions": [other.actor]}).status_code == 302
    assert chosen(agent, code) == set()
    assert agent.client.post(f"/desk/{code}/{path}", {"body": "", **named}).status_code == 302
    assert agent.client.post(f"/desk/{code}/{path}", {"body": ""}).status_code == 302
    assert not Draft.objects.exists()


def test_an_agent_s_email_says_kinds_and_counts_and_where_they_are() -> None:
    lead, agent = staff(), staff(User.Role.AGENT)
    given, late = a_ticket(about="Nordic Ads").code, a_ticket(assignee=agent.user, due_in=-HOUR).code
    give(lead, given, agent)
    assert told(agent) == []
    assert agent.client.post(PAGE, ON).headers["Location"] == PAGE
    chosen = AuditEvent.objects.get(action="notifications.chosen")
    assert (chosen.actor, chosen.target) == (agent.actor, f"notifications:{agent.user.pk}")
    said = told(agent)
    assert said == [
        "Waiting for you at the desk:",
        f"1 overdue case assigned to you (1 new): {DESK}/?whose=mine&overdue=on",
        f"1 case that a colleague gave you, not opened yet (1 new): {DESK}/?whose=given",
        f"Turn these e-mails off: {DESK}/notifications/",
    ]
    assert mail.outbox[0].subject == "Whereabouts: 2 new items need attention"
    assert not any(one in " ".join(said) for one in (given, late, "Nordic"))
    # Only of what they chose; in quiet hours of nothing.
    assert agent.client.post(PAGE, {**ON, "told": ["given"]}).status_code == 302
    assert [line.partition(" (")[0] for line in told(agent)[1:-1]] == [
        "1 case that a colleague gave you, not opened yet"
    ]
    assert '<input type="checkbox" name="told" value="given" id="id_told_3" checked>' in agent.client.get(PAGE).text
    hour = timezone.now().hour
    quiet = {**ON, "quiet_from": str((hour - 1) % 24), "quiet_until": str((hour + 2) % 24)}
    assert agent.client.post(PAGE, quiet).status_code == 302
    assert told(agent) == []
    refused = shown(agent, PAGE, {**ON, "told": []})
    assert "Choose at least one, or turn e-mails off." in refused


def test_an_agent_is_told_in_spanish_where_they_chose_so() -> None:
    lead, agent = staff(), staff(User.Role.AGENT)
    for _ in range(2):
        give(lead, a_ticket().code, agent)
    agent.client.cookies["django_language"] = "es"
    assert agent.client.post(PAGE, ON).status_code == 302
    assert told(agent) == [
        "Le espera en el servicio de ayuda:",
        f"2 casos que le dieron sus colegas, aún sin abrir (2 nuevos): {DESK}/?whose=given",
        f"Desactivar estos correos: {DESK}/notifications/",
    ]
    assert mail.outbox[0].subject == "Whereabouts: 2 novedades requieren su atención"
