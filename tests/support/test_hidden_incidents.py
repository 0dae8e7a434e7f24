"""An incident of which an order hides every release is nowhere but with the legal-process role, deadlines included."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

import audit.actions
from accounts.models import User
from accounts.queries import StaffOnly
from audit.models import AuditEvent, Incident
from console.actions.incidents import do_duty, do_hidden_duty
from console.queries.notifications import KINDS
from console.queries.staff import acts
from disclosures.feeds.releases import DisclosuresFeed
from disclosures.models import DelayedNotice, Disclosure
from disclosures.workers.anomalies.detection import find
from partners.models import Party
from partners.policies.lifecycle import NotNow
from portal.health import metrics
from support.actions.escalation import decide_request, request_suspension
from support.actions.queue import search
from support.actions.stop_for import text_code_for_stop
from support.actions.writing import add_note, attach, remove_file
from support.domain.files import build_upload
from support.domain.tickets import open_tickets
from support.models import Attachment, BulkReply, NotificationChannel, Ticket
from support.policies import lifecycle
from support.queries.notifications import OF_DESK, list_notifications
from support.queries.queue import PAGE
from support.queries.visible import visible_incidents
from support.queries.writing import values_of
from support.workers.notifications import send_notifications
from tests.feeds import (
    BRIDGE,
    ROAD,
    TRACK,
    line_row,
    ndjson,
    release_row,
    take_lines,
    take_notices,
    take_parties,
    take_releases,
    taken,
)
from tests.moments import A_MOMENT
from tests.partners.outside import Answer, Outside
from tests.staff import an_actor
from tests.support.desk import PNG, a_ticket, said
from tests.support.officers import WHY, Member, csv_of, post, rows_of, searched, shown, staff

EVER, PAST = "2190-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
NAMES = ("a", "b", "c")
DAY = timedelta(days=1)
ACTS = ("close", "acknowledge", "assign", "note", "told", "export", "rows", "csv")


@pytest.fixture
def officer(db: None, no_broker: None) -> Member:
    take_parties()
    take_lines(line_row())
    return staff(name="first")


def released() -> tuple[Incident, Incident]:
    """Three releases without the gate's yes and without a consent: the incident of the day, and that of the rule."""
    fates = taken(
        DisclosuresFeed(gateway="gateway"),
        ndjson(release_row(id=one, occurred_at=f"2025-07-01T1{n}:00:00Z") for n, one in enumerate(NAMES)),
    )
    assert {one.status for one in fates} == {"accepted"}
    find(at=timezone.now())
    open_tickets(at=timezone.now())
    Incident.objects.update(opened_at=timezone.now() - DAY, due_at=timezone.now() - timedelta(hours=1))
    ungated, by_rule = Incident.objects.get(kind="ungated"), Incident.objects.get(kind="no_approval")
    assert (ungated.count, by_rule.count) == (3, 1)
    return ungated, by_rule


def hide(*names: str, until: str = EVER) -> None:
    take_notices(*({"disclosure_id": one, "suppressed_until": until, "order_ref": "court"} for one in names))


def surfaces(officer: Member) -> Iterator[tuple[str, str]]:
    """What an officer reads wherever incidents and cases are, by where that is."""
    bridge, road = (Party.objects.get(uri=uri).pk for uri in (BRIDGE, ROAD))
    year = timezone.now().year
    for path in (
        "/admin/", "/admin/incidents/", "/admin/incidents/?state=open", "/admin/incidents/?state=closed",
        "/admin/incidents/?due=overdue", "/admin/incidents/?kind=ungated", "/admin/incidents/?company=bridge",
        "/admin/incidents/?whose=nobody", "/admin/notifications/",
        f"/admin/parties/{bridge}/", f"/admin/parties/{road}/", "/admin/documents/", "/desk/", "/desk/?kind=ours",
        "/desk/?state=all&kind=incident", "/desk/?state=all&company=bridge", "/desk/many/",
        "/desk/figures/",
    ):  # fmt: skip
        yield path, still(shown(officer, path))
    for path in ("/admin/incidents/?csv=1", "/desk/figures/desk.csv"):
        yield path, re.sub("Taken by .*", "", officer.client.get(path).getvalue().decode())
    for asked in ("gate's", "consent", "bridge"):
        found = officer.client.get(searched(officer, asked)).content.decode()
        yield f"search for {asked}", str(sorted(re.findall(r'href="(/admin/incidents/\d+/)"', found)))
    yield "search at the desk", shown(officer, "/desk/search/", {"q": "permission"})
    for pack in (f"company/{bridge}", f"company/{road}", f"certificate/{year - 1}", f"ccpa/{year}"):
        page = shown(officer, f"/admin/documents/make/{pack}/", {})
        yield pack, page.partition("Audit log")[0]
    yield "/desk/counts/", officer.client.get("/desk/counts/").content.decode()
    yield "metrics", str(re.findall("whereabouts_incidents_open{.*", metrics(at=timezone.now()).decode()))


def still(page: str) -> str:
    """A page without the clock, and without how many lines a company's data is of, which a hidden release leaves."""
    return re.sub(r"Checked at \d\d:\d\d|Lines reached \d+", "", page)


def test_an_incident_that_an_order_hides_is_as_one_that_never_was(officer: Member) -> None:
    before = dict(surfaces(officer))
    ungated, by_rule = released()
    told = dict(surfaces(officer))
    assert {where for where in before if told[where] == before[where]} == {
        "/admin/incidents/?state=closed", "/admin/documents/", "/desk/many/", f"ccpa/{timezone.now().year}",
        f"certificate/{timezone.now().year - 1}",
    }  # fmt: skip
    hide(*NAMES[:2])
    assert "1" in csv_of(officer, "/admin/incidents/?csv=1")[-1]["Occurrences"]
    hide("c")
    after = dict(surfaces(officer))
    assert after == before
    for one in (ungated, by_rule):
        assert officer.client.get(f"/admin/incidents/{one.pk}/").status_code == 404
        case = Ticket.objects.get(key=f"incident:{one.pk}").code
        for path in (*(f"/admin/incidents/{one.pk}/{act}/" for act in ACTS), f"/desk/{case}/copy/"):
            assert officer.client.post(path, WHY).status_code == 404, path
        for path in (f"/desk/{case}/", f"/desk/{case}/write/"):
            assert officer.client.get(path).status_code == 404, path
    hide(*NAMES, until=PAST)
    find(at=timezone.now())
    assert [row["Occurrences"] for row in csv_of(officer, "/admin/incidents/?csv=1")] == ["3", "1"]
    assert "Nothing is waiting" not in shown(officer, "/admin/notifications/")


def test_what_was_done_about_a_hidden_incident_is_in_no_log(officer: Member) -> None:
    ungated, _ = released()
    path = f"/admin/incidents/{ungated.pk}/"
    for act, data in (("note", {"reason": "Called the court"}), ("csv", {"kind": "review", "reason": "As asked"})):
        officer.client.post(f"{path}{act}/", data)
    case = Ticket.objects.get(key=f"incident:{ungated.pk}").code
    assert officer.client.get(f"/desk/{case}/").status_code == 200
    for about in (f"breach/{ungated.pk}", f"case/{case}"):
        make, reason = f"/admin/documents/make/{about}/", {"reason": f"To read {about.partition('/')[0]}"}
        page = officer.client.post(make, {**WHY, **reason}).content.decode()
        seal = re.findall(r'name="seen" value="(.*?)"', page)[0]
        assert officer.client.post(make, {**WHY, **reason, "seen": seal}).status_code == 302
    traces = ("Called the court", "anomal", case, "To read breach", "To read case")
    logs = ("/admin/trail/", f"/admin/trail/?on=incident:{ungated.pk}", f"/admin/trail/?case={case}")
    assert all(mark in shown(officer, logs[0]) for mark in traces)
    title = f"Breach notification: incident {ungated.pk}"
    assert [one.action for one in acts(at=timezone.now()) if title in str(one.detail)] == [
        "document.made", "document.previewed",
    ]  # fmt: skip
    hide(*NAMES)
    assert [one.action for one in acts(at=timezone.now()) if title in str(one.detail) or case in str(one.detail)] == []
    taken_away = csv_of(officer, "/admin/trail/export/", WHY)
    assert [row for row in taken_away if any(mark in str(row) for mark in traces)] == []
    for log in logs:
        assert [mark for mark in traces if any(mark in row for row in rows_of(officer, log))] == []
    assert (
        "Called"
        not in officer.client.get(searched(officer, "called the court")).content.decode().partition("</form")[2]
    )
    hide(*NAMES, until=PAST)
    assert all(mark in shown(officer, logs[0]) for mark in traces)


@pytest.mark.parametrize("hidden", [True, False])
def test_no_message_counts_a_hidden_incident(
    officer: Member, outside: Outside, settings: Settings, *, hidden: bool
) -> None:
    settings.STAFF_WEBHOOK_URL = f"{outside.url}/hook"
    NotificationChannel.objects.create(user=None, is_on=True, told_at=timezone.now() - 2 * DAY)
    NotificationChannel.objects.create(
        user=officer.user, is_on=True, told_at=timezone.now() - 2 * DAY, quiet_from=0, quiet_until=0
    )
    settings.STAFF_WEBHOOK_QUIET = (0, 0, "UTC")
    outside.always = Answer(200)
    released()
    if hidden:
        hide(*NAMES)
    assert send_notifications(kinds=KINDS, now=timezone.now()) == (0 if hidden else 2)
    assert len(mail.outbox) == len(outside.posted) == (0 if hidden else 1)


def test_a_request_to_suspend_from_a_hidden_case_waits_with_it(officer: Member) -> None:
    """An officer reads of it again, and decides, once the order has ended."""
    pages = ("/admin/suspend-requests/", "/admin/", "/admin/notifications/")

    def read() -> list[str]:
        return [still(shown(officer, page)) for page in pages]

    before, agent, now = read(), staff(User.Role.AGENT), timezone.now()
    ungated, _ = released()
    case, party = Ticket.objects.get(key=f"incident:{ungated.pk}").code, Party.objects.get(uri=BRIDGE)
    asked = request_suspension(code=case, party_id=party.pk, reason="They go on.", actor=agent.actor, at=now)
    page = f"/admin/suspend-requests/{asked.pk}/"
    assert case in shown(officer, page)
    assert all("Suspension request" in one for one in read()[1:])
    hide(*NAMES)
    assert read() == before
    assert officer.client.get(page).status_code == officer.client.post(page, WHY).status_code == 404
    with pytest.raises(lifecycle.NotNow):
        decide_request(request_id=asked.pk, suspends=True, reason="As asked.", actor=officer.actor, at=now)
    hide(*NAMES, until=PAST)
    assert case in shown(officer, pages[0])
    decide_request(request_id=asked.pk, suspends=True, reason="As asked.", actor=officer.actor, at=timezone.now())
    # The suspension is there for all, and for good: it says nothing of the case, which may be hidden again.
    for page in ("/admin/suspensions/", f"/admin/parties/{party.pk}/"):
        text = shown(officer, page)
        assert ("As asked." in text, case in text) == (True, False), page


def test_a_case_of_nobody_promises_nothing_of_anybody_s_log(officer: Member) -> None:
    ungated, _ = released()
    case = f"/desk/{Ticket.objects.get(key=f'incident:{ungated.pk}').code}"
    pages = [shown(officer, f"{case}/{act}/") for act in ("move", "priority", "suspend", "copy")]
    assert all("Kept in the audit log. Write no name and no number." in page for page in pages)
    assert "A page to print. Each sheet names who made it and when, and so does the audit log." in pages[-1]
    pages.append(shown(officer, f"{case}/copy/", {"reason": "For counsel."}))
    assert "Recorded in the audit log. Don't pass it on." in pages[-1]
    assert [page for page in pages if "own log" in page or "person's log" in page] == []


def test_a_bulk_reply_about_a_hidden_incident_has_no_page(officer: Member) -> None:
    ungated, _ = released()
    now = timezone.now()
    reply = BulkReply.objects.create(
        id=uuid4(),
        incident_id=ungated.pk,
        body="We told them off.",
        by=officer.actor,
        at=now,
        begins_at=now,
        ticket_ids=[1],
    )
    pages = (f"/desk/many/{reply.pk}/", f"/desk/many/{reply.pk}/progress/")
    assert [officer.client.get(page).status_code for page in pages] == [200, 200]
    hide(*NAMES)
    assert [officer.client.get(page).status_code for page in pages] == [404, 404]


def test_the_legal_role_sees_its_deadlines_which_return_with_it(officer: Member) -> None:
    ungated, _ = released()
    due = ungated.due_at
    legal = staff(User.Role.LEGAL)
    hide(*NAMES)
    page = shown(legal, "/admin/delayed/", {"reason": "Weekly check"})
    said = page.partition("Hidden incidents")[2]
    assert "A release without the gate's permission Geobridge" in said
    assert "If it is a breach: notify the agencies by" in said
    assert "Look-ups with no record of consent" in said
    hide(*NAMES, until=PAST)
    assert "Hidden incidents" not in shown(legal, "/admin/delayed/", {"reason": "Weekly check"})
    ungated.refresh_from_db()
    assert ungated.due_at == due
    (overdue,) = [row for row in rows_of(officer, "/admin/incidents/?due=overdue") if "permission" in row]
    assert "overdue" in overdue


def test_the_legal_role_alone_is_told_that_one_is_due(officer: Member, outside: Outside, settings: Settings) -> None:
    settings.STAFF_WEBHOOK_URL, settings.STAFF_WEBHOOK_QUIET = f"{outside.url}/hook", (0, 0, "UTC")
    legal, at = staff(User.Role.LEGAL), timezone.now()
    choice = {"is_on": "on", "told": ["overdue", "half"], "quiet_from": "0", "quiet_until": "0", "zone": "UTC"}
    for member in (officer, legal):
        assert member.client.post("/admin/notifications/", choice).status_code == 302
    NotificationChannel.objects.create(user=None, is_on=True, told_at=at - 2 * DAY)
    NotificationChannel.objects.update(told_at=at - 2 * DAY)
    ungated, _ = released()
    assert "Nothing is waiting for you Incidents that your orders hide" in shown(legal, "/admin/notifications/")
    hide(*NAMES)
    Incident.objects.filter(pk=ungated.pk).update(opened_at=at - 4 * DAY, due_at=at + 6 * DAY)
    assert "Nothing is waiting for you" in shown(legal, "/admin/notifications/"), "less than half of its time is used"
    Incident.objects.filter(pk=ungated.pk).update(opened_at=at - 6 * DAY, due_at=at + 4 * DAY)
    page = shown(legal, "/admin/notifications/")
    assert "1 incident under your orders is due See all" in page
    assert str(ungated.get_kind_display()) not in page
    assert 'href="/admin/delayed/"' in legal.client.get("/admin/notifications/").content.decode()
    Incident.objects.filter(pk=ungated.pk).update(due_at=at - timedelta(hours=1))
    assert "under your orders" not in shown(officer, "/admin/notifications/")
    assert send_notifications(kinds=KINDS, now=at) == 1
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == ([legal.user.email], "Whereabouts: 1 new item needs attention")
    assert "1 incident under your orders is due (1 new): http://localhost:8000/admin/delayed/" in sent.body
    assert outside.posted == []
    hide(*NAMES, until=PAST)
    assert "Nothing is waiting for you" in shown(legal, "/admin/notifications/")


def test_an_incident_that_counted_more_than_was_kept_stays(officer: Member) -> None:
    """Of what was counted before lines were kept, nobody can say that it is hidden."""
    ungated, _ = released()
    Incident.objects.filter(pk=ungated.pk).update(count=4)
    hide(*NAMES)
    assert "Seen 1 time since" in shown(officer, f"/admin/incidents/{ungated.pk}/")


def reported(officer: Member) -> Ticket:
    """The case of an incident that somebody reported, which no order is about."""
    form = {"kind": "our_breach", "company": "", "happened": "A laptop was stolen.", "affected": "One week's exports.",
            "known_at": "2026-03-02T15:30", "reason": "The field office called."}  # fmt: skip
    path = post(officer, "/admin/incidents/report/", form)
    open_tickets(at=timezone.now())
    return Ticket.objects.get(key=f"incident:{path.split('/')[-2]}")


def noted(officer: Member, case: Ticket, note: str) -> None:
    add_note(code=case.code, body=note, actor=officer.actor, at=timezone.now())


def queue_titles(officer: Member, path: str) -> list[str]:
    page = officer.client.get(path).content.decode()
    return [html.unescape(title) for title in re.findall(r"</span> <bdi>([^<]+)</bdi></a>", page)]


def test_an_incident_that_an_order_emptied_before_that_was_kept_is_hidden(officer: Member) -> None:
    """As 1.0 left it: nothing found, standing or cleared, nothing kept, and the count at nothing."""
    take_releases(
        release_row(id="hidden", suppressed_until=EVER), release_row(id="shown", path=[BRIDGE, TRACK]),
        release_row(id="other", path=[BRIDGE, "https://new.example"], suppressed_until=EVER, basis="emergency"),
    )  # fmt: skip
    for kind, key in (
        ("no_approval", f"2025 {ROAD}"), ("burst", f"2025 {ROAD}"), ("no_approval", f"2024 {ROAD}"),
        ("after_stop", f"2025 {ROAD}"), ("many_lines", f"2025 {ROAD}"), ("disputed", f"2025 {ROAD}"),
        ("no_approval", f"2025 {TRACK}"), ("burst", "2025 https://new.example"),
    ):  # fmt: skip
        one = Incident(kind=kind, key=key, subject=key[5:], opened_at=timezone.now() - DAY, count=0)
        one.closed_at = timezone.now()
        one.save()

    def there() -> set[tuple[str, str]]:
        return set(visible_incidents(at=timezone.now()).filter(count=0).values_list("kind", "key"))

    before = there()
    assert len(before) == 8
    upgrade = import_module("disclosures.migrations.0010_keep_what_hid_incidents")
    with connection.schema_editor() as editor, CaptureQueriesContext(connection) as asked:
        upgrade.keep(apps, editor)
    assert before - there() == {("no_approval", f"2025 {ROAD}"), ("burst", f"2025 {ROAD}")}
    # Of each hidden release its own partition is read, and no other.
    releases = [one["sql"] for one in asked.captured_queries if "judgement" in one["sql"] and "SELECT" in one["sql"]]
    assert len(releases) == 2
    for sql in releases:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(step for (step,) in cursor.fetchall())
        assert set(re.findall(r" on (disclosures_disclosure\w*)", plan)) == {"disclosures_disclosure_default"}, plan
    hide("hidden", until=PAST)
    assert there() == before


def test_a_case_that_goes_on_for_a_hidden_one_says_nothing_of_it(officer: Member) -> None:
    ungated, _ = released()
    theirs, ours = Ticket.objects.get(key=f"incident:{ungated.pk}"), reported(officer)
    noted(officer, theirs, "Quagga said the court")
    assert post(officer, f"/desk/{theirs.code}/merge/", {"into": ours.code}) == f"/desk/{ours.code}/"
    noted(officer, ours, "The laptop was locked")
    places = (f"/desk/{ours.code}/", f"/desk/{ours.code}/write/")
    marks = ("Quagga said the court", f"Goes on for {theirs.code} too.", f"Goes on as {ours.code}.")
    assert all(mark in shown(officer, path) for path in places for mark in marks)
    assert ours.code in shown(officer, "/desk/search/", {"q": theirs.code})
    hide(*NAMES)
    for path in places:
        page = officer.client.get(path).content.decode()
        assert "The laptop was locked" in page
        assert [mark for mark in (*marks, theirs.code) if mark in page] == []
    assert officer.client.get(f"/desk/{theirs.code}/").status_code == 404
    for asked in (theirs.code, "quagga"):
        assert ours.code not in shown(officer, "/desk/search/", {"q": asked})
    hide(*NAMES, until=PAST)
    assert all(mark in shown(officer, path) for path in places for mark in marks)


def test_a_case_that_took_in_another_stays_without_the_hidden_incident_s_name(officer: Member) -> None:
    ungated, _ = released()
    theirs, ours = Ticket.objects.get(key=f"incident:{ungated.pk}"), reported(officer)
    noted(officer, theirs, "Quagga said the court")
    noted(officer, ours, "The laptop was locked")
    assert post(officer, f"/desk/{ours.code}/merge/", {"into": theirs.code}) == f"/desk/{theirs.code}/"
    name, path = str(ungated.get_kind_display()), f"/desk/{theirs.code}/"
    document = f"/admin/documents/make/case/{theirs.code}/"
    before = "To read it before the order"
    assert name in shown(officer, document, {"reason": before})
    assert "Geobridge" in shown(officer, "/desk/?kind=ours")
    hide(*NAMES)
    noted(officer, theirs, "The disk was encrypted")
    queue = officer.client.get("/desk/?kind=ours").content.decode()
    assert [mark for mark in (html.escape(name), "Geobridge") if mark in queue] == []
    assert queue_titles(officer, "/desk/?kind=ours") == ["Merged cases"]
    assert values_of(ticket=theirs, at=timezone.now())["company"] == ""
    for page in (shown(officer, path), shown(officer, f"{path}write/"), shown(officer, document, {"reason": "Court"})):
        assert "Merged cases" in page
        assert [mark for mark in (name, "Quagga", "Geobridge") if mark in page] == []
    for page in (shown(officer, path), shown(officer, f"{path}write/"), shown(officer, f"{path}copy/", {})):
        assert "The laptop was locked" in page
        assert "The disk was encrypted" in page
    assert before not in shown(officer, "/admin/trail/")
    for asked in ("permission", "geobridge", "quagga"):
        assert theirs.code not in shown(officer, "/desk/search/", {"q": asked})
    assert theirs.code in shown(officer, "/desk/search/", {"q": "encrypted"})
    hide(*NAMES, until=PAST)
    assert f"Geobridge: {name}, 1 Jul 2025" in queue_titles(officer, "/desk/?kind=ours")


def test_what_was_done_at_the_very_moment_of_the_order_is_hidden_with_it(officer: Member) -> None:
    ungated, _ = released()
    theirs, ours, agent = Ticket.objects.get(key=f"incident:{ungated.pk}"), reported(officer), an_actor("agent")
    post(officer, f"/desk/{ours.code}/merge/", {"into": theirs.code})
    hide(*NAMES)
    order = DelayedNotice.objects.latest("recorded_at").recorded_at
    done = (("Quagga", order, BRIDGE), ("Okapi", order + A_MOMENT, ROAD))
    for word, at, uri in done:
        act: dict[str, Any] = {"code": theirs.code, "actor": agent, "at": at}
        add_note(body=word, **act)
        request_suspension(party_id=Party.objects.get(uri=uri).pk, reason=word, **act)
        detail = {"about": f"ticket:{theirs.code}"}
        audit.actions.record(action="document.taken", actor=agent, target="document:x", at=at, detail=detail)
    for page in (f"/desk/{theirs.code}/", "/admin/suspend-requests/"):
        text = shown(officer, page)
        assert ("Quagga" in text, "Okapi" in text) == (False, True), page
    told = [(one.action, one.at) for one in acts(at=timezone.now()) if one.at in {at for _, at, _ in done}]
    assert sorted(told) == [(one, order + A_MOMENT) for one in ("document.taken", "suspend.asked", "ticket.noted")]


def test_no_title_names_whom_a_hidden_look_up_was_for(officer: Member) -> None:
    """Wherever cases are listed or named, and in what is filled in for a reply."""
    take_releases(release_row(id="a"))
    row, agent = Disclosure.objects.get(), staff(User.Role.AGENT)
    of_line: dict[str, Any] = {"line_id": row.line_id, "kind": "look_up"}
    own = a_ticket(
        about="A look-up", about_kind="look_up", about_ref=str(row.id), assignee=agent.user, due_in=-DAY, **of_line
    )
    other = a_ticket(about="Another one", **of_line)
    own_pages = [f"/desk/{own.code}/{page}" for page in ("", "handling/", "write/")]
    others_pages = [f"/desk/{other.code}/{page}" for page in ("", "handling/")]
    pages = ("/desk/?kind=people", "/desk/notifications/", *own_pages, *others_pages)

    def read() -> dict[str, str]:
        return {path: shown(agent, path) for path in pages} | {"copy": shown(officer, f"/desk/{own.code}/copy/", {})}

    for path, page in read().items():
        assert "Roadaid: A look-up" in page, path
    assert values_of(ticket=own, at=timezone.now())["company"] == "Roadaid"
    hide("a")
    for path, page in read().items():
        assert ("A look-up" in page, "Roadaid" in page) == (True, False), path
    assert values_of(ticket=own, at=timezone.now())["company"] == ""


def test_no_mention_in_a_case_of_a_hidden_incident_is_told_of(officer: Member) -> None:
    first, second = (Ticket.objects.get(key=f"incident:{one.pk}") for one in released())
    ours, other = reported(officer), staff(name="other")
    for one in (first, second):
        post(officer, f"/desk/{one.code}/note/", {"body": "Quagga said the court", "mentions": [other.actor]})
    post(officer, f"/desk/{ours.code}/merge/", {"into": first.code})
    mentioned = "/desk/?whose=mentioned&state=all"
    assert len(queue_titles(other, mentioned)) == 2
    hide(*NAMES)
    assert queue_titles(other, mentioned) == []
    assert list_notifications(kinds=OF_DESK, reader=other.actor, at=timezone.now()) == []
    post(officer, f"/desk/{first.code}/note/", {"body": "The disk was encrypted", "mentions": [other.actor]})
    assert queue_titles(other, mentioned) == ["Merged cases"]
    notified = shown(other, "/admin/notifications/")
    assert ("Merged cases" in notified, "Geobridge" in notified) == (True, False)
    page = shown(other, f"/desk/{first.code}/")
    assert (page.count("Mentioned:"), "Quagga" in page) == (1, False)


def test_a_case_that_took_in_another_by_way_of_a_hidden_one_stays(officer: Member) -> None:
    first, second = (Ticket.objects.get(key=f"incident:{one.pk}") for one in released())
    ours = reported(officer)
    post(officer, f"/desk/{ours.code}/merge/", {"into": first.code})
    post(officer, f"/desk/{first.code}/merge/", {"into": second.code})
    noted(officer, second, "The laptop was locked")
    hide(*NAMES)
    noted(officer, second, "The disk was encrypted")
    assert queue_titles(officer, "/desk/?kind=ours") == ["Merged cases"]
    page = shown(officer, f"/desk/{second.code}/")
    assert "The disk was encrypted" in page
    assert "The laptop was locked" not in page


def test_a_hidden_case_takes_no_place_among_those_found(officer: Member) -> None:
    codes = [said(a_ticket(), "The quagga came back.").ticket.code for _ in range(PAGE + 1)]
    ungated, _ = released()
    noted(officer, Ticket.objects.get(key=f"incident:{ungated.pk}"), "Quagga said the court")
    hide(*NAMES)
    newest = search(asked="quagga", before=0, user=officer.user, at=timezone.now())
    older = search(asked="quagga", before=int(newest.next), user=officer.user, at=timezone.now())
    assert [row.ticket.code for row in (*newest.rows, *older.rows)] == codes[::-1]


def test_the_legal_role_reads_which_deadlines_are_done_and_which_are_over(officer: Member) -> None:
    ungated, by_rule = released()
    now = timezone.now()
    Incident.objects.update(opened_at=now - 20 * DAY)
    Incident.objects.filter(pk=by_rule.pk).update(closed_at=now)
    audit.actions.complete_duty(
        incident_id=ungated.pk, duty="agencies", told_on=now.date(), reference="FCC-17", actor=officer.actor,
        reason="We did.", at=now,
    )  # fmt: skip
    hide(*NAMES)
    page = shown(staff(User.Role.LEGAL), "/admin/delayed/", {"reason": "Weekly check"})
    said = re.sub(r"\d\d? [A-Z][a-z]{2} \d{4}, \d\d:\d\d", "…", page.partition("Hidden incidents")[2])
    partner = "Notify the partner in writing, with a deadline to fix it"
    agencies, customers = (f"If it is a breach: notify the {whom}" for whom in ("agencies", "customers"))
    assert said.partition("Deadlines ")[2].partition(" Look-ups with")[0] == (
        f"A release without the gate's permission Geobridge … {partner} overdue since …"
        f" {agencies} done on {now:%Y-%m-%d} {customers} by … Record a notification"
    )
    assert "Look-ups with no record of consent closed Roadaid …" in said


def told_by(legal: Member, incident: Incident, duty: str) -> int:
    """Record a notification as the legal-process role does, from its own list; the status of the answer."""
    path = f"/admin/delayed/incidents/{incident.pk}/told/"
    assert path in legal.client.post("/admin/delayed/", {"reason": "Weekly check"}).content.decode()
    form = {"duty": duty, "told_on": f"{timezone.now():%Y-%m-%d}", "reference": "SEALED-9", "reason": "Under seal."}
    return legal.client.post(path, form).status_code


def test_the_legal_role_records_a_notification_while_its_order_hides_the_incident(officer: Member) -> None:
    ungated, _ = released()
    legal = staff(User.Role.LEGAL)
    hide(*NAMES)
    before = dict(surfaces(officer))
    assert told_by(legal, ungated, "agencies") == 302
    assert dict(surfaces(officer)) == before
    page = shown(legal, "/admin/delayed/", {"reason": "Weekly check"}).partition("Hidden incidents")[2]
    assert f"notify the agencies done on {timezone.now():%Y-%m-%d}" in page
    ungated.refresh_from_db()
    assert told_by(legal, ungated, "customers") == told_by(legal, ungated, "partner") == 302
    ungated.refresh_from_db()
    assert ungated.due_at is None
    assert "Nothing is waiting for you" in shown(legal, "/admin/notifications/")
    assert "Under seal." in shown(legal, "/admin/trail/")


def test_nobody_else_ever_reads_what_the_legal_role_recorded(officer: Member) -> None:
    ungated, _ = released()
    path = f"/admin/incidents/{ungated.pk}/"
    mine = {"duty": "partner", "told_on": f"{timezone.now():%Y-%m-%d}", "reference": "OURS-1", "reason": "We wrote."}
    post(officer, f"{path}told/", mine)
    hide(*NAMES)
    legal = staff(User.Role.LEGAL)
    assert told_by(legal, ungated, "agencies") == told_by(legal, ungated, "partner") == 302
    hide(*NAMES, until=PAST)
    pages = [
        officer.client.get(path), officer.client.get("/admin/trail/"),
        *(officer.client.post(f"{path}export/", {**WHY, "form": form}) for form in ("html", "json")),
        officer.client.post(f"/admin/documents/make/breach/{ungated.pk}/", WHY),
    ]  # fmt: skip
    for page in (answer.content.decode() for answer in pages):
        assert [mark for mark in ("SEALED-9", "Under seal.", legal.user.email) if mark in page] == []
    incident = shown(officer, path)
    assert "reference OURS-1 . Recorded by first@carrier.example" in incident
    assert "notify the customers" in incident
    assert "notify the agencies" not in incident, "its clock was stopped"


def test_the_legal_role_records_nothing_of_an_incident_that_others_see(officer: Member) -> None:
    ungated, _ = released()
    legal, path = staff(User.Role.LEGAL), f"/admin/delayed/incidents/{ungated.pk}/told/"
    form = {"duty": "agencies", "told_on": f"{timezone.now():%Y-%m-%d}", "reason": "Under seal."}
    assert legal.client.post(path, form).status_code == legal.client.get(path).status_code == 404
    at = timezone.now()
    said = {"duty": "agencies", "reference": "", "reason": "Under seal."}
    with pytest.raises(NotNow, match="There is no such incident"):
        do_hidden_duty(incident_id=ungated.pk, actor=legal.actor, told_on=at.date(), at=at, **said)
    hide(*NAMES)
    assert officer.client.post(path, form).status_code == 403
    with pytest.raises(StaffOnly):
        do_hidden_duty(incident_id=ungated.pk, actor=officer.actor, told_on=at.date(), at=at, **said)
    with pytest.raises(StaffOnly):
        do_duty(incident_id=ungated.pk, actor=legal.actor, told_on=at.date(), at=at, **said)
    assert legal.client.post(path, {**form, "told_on": "2199-01-01"}).status_code == 200
    assert not AuditEvent.objects.filter(action="incident.told").exists()


def test_a_file_of_a_hidden_case_is_no_longer_there(officer: Member) -> None:
    ungated, _ = released()
    case, agent, now = Ticket.objects.get(key=f"incident:{ungated.pk}"), staff(User.Role.AGENT), timezone.now()
    upload = build_upload(name="photo.png", content=PNG)
    attach(ticket=case, entry=None, author=agent.actor, uploads=[upload], at=now)
    Attachment.objects.update(scan=Attachment.Scan.CLEAN)
    file = Attachment.objects.get()
    page = f"/desk/{case.code}/files/{file.pk}/"
    assert agent.client.get(page).status_code == 200
    hide(*NAMES)
    assert agent.client.get(page).status_code == 404
    with pytest.raises(lifecycle.NotNow):
        remove_file(code=case.code, file_id=file.pk, actor=agent.actor, at=now)
    for code in (case.code, "NO-SUCH"):
        with pytest.raises(lifecycle.NotNow, match=r"There is no such case\."):
            text_code_for_stop(code=code, actor=agent.actor, at=now)
