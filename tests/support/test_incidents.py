"""Incidents: whom they are about, what no program sees, and how officers work them, to the end and again."""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.utils import timezone

import audit.actions
from accounts.models import Line, User
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from audit.models import AuditEvent, Incident, IncidentStep
from audit.policies import ALL, DUTIES, list_running_clocks
from console.actions.incidents import assign_incident, close_incident, do_duty, note_incident, report_incident
from disclosures.workers.anomalies.detection import find
from partners.policies.lifecycle import NotNow
from support.domain.tickets import open_tickets
from support.models import Ticket
from support.queries.incidents import duties_of, get_incident_impact
from tests.disclosures.anomalies import AFTER_STOP, BRIDGE, JAIL, TRACK, looked
from tests.factories import a_line, a_party
from tests.support.desk import a_ticket
from tests.support.officers import Member, post, rows_of, shown, staff, words

pytestmark = pytest.mark.usefixtures("db", "no_broker")
DAY = timedelta(days=1)
WHY = "Their fix is in; no differences again."


def an_incident(*, subject: str = "", at_days_ago: int = 3) -> Incident:
    at = timezone.now() - timedelta(days=at_days_ago)
    subject = subject or f"partner:{a_party('GeoBridge').pk}"
    audit.actions.open_incident(kind=Incident.Kind.PARTNER_HAS, key="k", subject=subject, at=at)
    return Incident.objects.get()


def page_after(officer: Member, one: Incident, words: str) -> str:
    """What stands on an incident's page from these words on, up to the end of their figure."""
    return (
        officer.client.get(f"/admin/incidents/{one.pk}/").text.partition(f"<dt>{words}</dt>")[2].partition("</dd>")[0]
    )


@pytest.mark.parametrize("by", ["id", "uri"])
def test_it_names_its_party_its_ticket_and_when_due(by: str) -> None:
    party = a_party("GeoBridge")
    one = an_incident(subject=f"partner:{party.pk}" if by == "id" else party.uri, at_days_ago=6)
    open_tickets(at=one.opened_at)
    Ticket.objects.update(due_at=timezone.now() - timedelta(days=1, minutes=1))
    officer = staff()
    for path in ("/admin/incidents/", f"/admin/incidents/{one.pk}/"):
        page = officer.client.get(path).content.decode()
        assert f'href="/admin/parties/{party.pk}/"' in page
        assert "GeoBridge" in words(page)
        assert "T-" in words(page)
    Ticket.objects.update(state="partner")
    assert '<dd class="bad">' in page_after(officer, one, "Case due")
    Ticket.objects.update(state="waiting")
    assert '<dd class="bad">' not in page_after(officer, one, "Case due")
    code = Ticket.objects.get().code
    assert f"{code} due 1 day ago" in shown(officer, "/admin/incidents/")
    assert f'href="/desk/{code}/">{code}<' in officer.client.get(f"/admin/incidents/{one.pk}/").text
    Ticket.objects.filter(code=code).update(state="merged", merged_into=a_ticket())
    assert f"{code} merged" in shown(officer, "/admin/incidents/")
    assert "Case due –" in shown(officer, f"/admin/incidents/{one.pk}/")
    assert "A partner allows what we deny: 1 GeoBridge" in shown(officer, "/admin/")


# What an officer reads of each kind under "How": in the ledger, where nothing stands here.
HOW = {
    "contradicted": "A partner's copy of the data, after it signed that it stopped",
    "ungated": "A release by the location gateway without the gate's permission",
    "basis_doubtful": "A release reported as an emergency or network release",
    "audit_fault": "The audit log in our own database",
    "partner_has": "Reconciliation of a partner's records with ours",
    "unhealthy": "The stream that sends stops to a partner",
    "lifeline_at_risk": "The stream that sends stops to a partner",
    "order_refused": "An order that a partner refused", "keys_refused": "An order that a partner refused",
    "no_way_out": "Our outgoing connections to partners. Stops were enforced at our gate.",
    "texts_spent": "Pages that send codes by text", "overdue": "Orders past their deadline",
    "no_evidence": "Requests for proof of consent past their deadline",
    "canary_failed": "Our own test of stopping without an account, with a line of ours",
    "stops_failing": "The pages and APIs that people use to stop",
    "our_breach": "An officer's report about our own systems",
    "partner_breach": "An officer's report about a partner",
    "staff_browsing": "Staff pages, where every view needs a reason",
    "machine_by_operator": "Operator commands", "addresses_by_operator": "Operator commands",
    "staff_by_operator": "Operator commands",
    "history_moved": "The carrier's records of which line had a number",
    "stops_by_agent": "Stops made on behalf of people",
    "work_breaks": "A background job, which goes on with everything else",
}  # fmt: skip


def test_each_kind_says_how_it_came_about() -> None:
    at, told = timezone.now(), {}
    for kind in Incident.Kind.values:
        audit.actions.open_incident(kind=kind, key=f"{at.year} {kind}", subject="nobody", at=at)
        incident = Incident.objects.get(kind=kind)
        told[kind] = get_incident_impact(incident=incident, about=None, at=at).through
    assert told == {kind: HOW.get(kind, "Location releases on record") for kind in Incident.Kind.values}
    assert HOW.keys() <= told.keys()


def test_the_same_again_opens_it_anew() -> None:
    one, officer = an_incident(), staff()
    assert not audit.actions.open_incident(kind=one.kind, key=one.key, subject=one.subject, at=timezone.now())
    close_incident(incident_id=one.pk, actor=officer.actor, reason=WHY, at=timezone.now())
    with pytest.raises(NotNow):
        close_incident(incident_id=one.pk, actor=officer.actor, reason=WHY, at=timezone.now())
    again = timezone.now()
    assert audit.actions.open_incident(kind=one.kind, key=one.key, subject=one.subject, at=again)
    one.refresh_from_db()
    assert (one.closed_at, one.count, one.opened_at) == (None, 3, again)
    acts = AuditEvent.objects.filter(target=f"incident:{one.pk}").order_by("pk").values_list("action", flat=True)
    assert list(acts) == ["incident.closed", "incident.reopened"]


@pytest.mark.parametrize("role", [User.Role.AGENT, User.Role.AUDITOR, User.Role.LEGAL, User.Role.SUBSCRIBER])
def test_nobody_else_closes_one(role: User.Role) -> None:
    one = an_incident()
    with pytest.raises(StaffOnly):
        close_incident(incident_id=one.pk, actor=staff(role).actor, reason=WHY, at=timezone.now())
    assert Incident.objects.get().closed_at is None


@pytest.mark.parametrize("was", [User.Role.OFFICER, User.Role.AGENT])
def test_an_incident_about_an_officer_is_another_s(was: User.Role) -> None:
    """Whatever they were when it opened: neither close it, nor take it, nor be given it, nor say who was told of it."""
    own, other = staff(name="own"), staff(name="other")
    audit.actions.open_incident(
        kind=Incident.Kind.STAFF_BROWSING, key="k", subject=f"{was}:{own.user.pk}", at=timezone.now() - DAY
    )
    path = f"/admin/incidents/{Incident.objects.get().pk}/"
    told = {"duty": "agencies", "told_on": f"{timezone.now():%Y-%m-%d}", "reference": "No. 7"}
    for act, by, given in (
        ("close", own, {}), ("acknowledge", own, {}), ("assign", own, {"to": other.actor}), ("told", own, told),
    ):  # fmt: skip
        assert "An incident about an officer must be handled by another officer." in shown(by, f"{path}{act}/", given)
    # Their own page offers none of these, and nobody else is offered them.
    offers = ("Acknowledge Assign Close", "Record a notification")
    about = "This incident is about you, so another officer must handle it."
    assert [one in shown(own, path) for one in (*offers, about)] == [False, False, True]
    assert [one in shown(other, path) for one in (*offers, about)] == [True, True, False]
    assert own.user.email not in shown(other, f"{path}assign/")
    assert "isn't available. Choose another." in shown(other, f"{path}assign/", {"to": own.actor})
    one = Incident.objects.get()
    with pytest.raises(NotNow, match="must be handled by another officer"):
        assign_incident(incident_id=one.pk, to=own.actor, actor=other.actor, reason="Due", at=timezone.now())
    assert (one.closed_at, one.acknowledged_at, one.assigned_to) == (None, None, "")
    assert "incident" not in " ".join(AuditEvent.objects.values_list("action", flat=True))
    assert post(own, f"{path}note/", {"reason": "It was for case 7."}) == path
    assert post(other, f"{path}close/", {"reason": "It was."}) == path


# What no program sees is reported by hand: its clocks count from when it became known, and it says by whom.


PATH = "/admin/incidents/report/"


KNOWN = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)


SAID: dict[str, Any] = {
    "kind": "our_breach", "company": "", "happened": "A laptop was <b>stolen</b> from a train.",
    "affected": "Exports of one week.", "known_at": "2026-03-02T15:30", "reason": "The field office called.",
}  # fmt: skip


def clocks(one: Incident) -> dict[str, datetime]:
    return {found.clock.duty.name: found.clock.due_at for found in duties_of(incident=one)}


def test_a_breach_of_ours_has_clocks_from_when_known(officer: Member) -> None:
    assert f'href="{PATH}"' in officer.client.get("/admin/incidents/").content.decode()
    path = post(officer, PATH, SAID)
    one = Incident.objects.get()
    assert path == f"/admin/incidents/{one.pk}/"
    assert (one.kind, one.opened_at, one.reported_by) == ("our_breach", KNOWN, officer.actor)
    assert clocks(one) == {name: ALL[name].due_at(KNOWN) for name in ("agencies", "customers")}
    assert one.due_at == ALL["agencies"].due_at(KNOWN)
    event = AuditEvent.objects.get(action="incident.reported")
    assert (event.actor, event.target, event.reason) == (officer.actor, f"incident:{one.pk}", SAID["reason"])
    assert event.detail == {"kind": "our_breach", "known_at": KNOWN.isoformat()}
    said = shown(officer, path)
    for sentence in ("A laptop was <b>stolen</b> from a train.", "Exports of one week.",
                  "Reported by first@carrier.example", "Deadlines count from when the incident became known",
                  "became known (1 occurrence by then) The system 2 Mar 2026, 15:30"):  # fmt: skip
        assert sentence in said
    assert "opened (1 time" not in said
    open_tickets(at=timezone.now())
    assert Ticket.objects.get().key == f"incident:{one.pk}"


def test_a_breach_at_a_partner_is_the_partner_s(officer: Member) -> None:
    party = a_party("GeoBridge")
    assert post(officer, PATH, {**SAID, "kind": "partner_breach"}) == ""
    path = post(officer, PATH, {**SAID, "kind": "partner_breach", "company": party.uri})
    one = Incident.objects.get()
    assert one.subject == f"partner:{party.pk}"
    assert clocks(one) == {name: ALL[name].due_at(KNOWN) for name in ("agencies", "customers", "partner")}
    assert f'href="/admin/parties/{party.pk}/"' in officer.client.get(path).content.decode()


def test_an_outage_has_the_fcc_s_clock(officer: Member) -> None:
    post(officer, PATH, {**SAID, "kind": "stops_failing"})
    post(officer, PATH, {**SAID, "kind": "stops_failing"})
    one, other = Incident.objects.order_by("id")
    assert clocks(one) == {"fcc": ALL["fcc"].due_at(KNOWN)}
    assert one.key != other.key, "each is an incident of its own"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"kind": "burst"}, "The choice for “Kind” isn't available."),
        ({"kind": ""}, "Choose an answer for “Kind”."),
        ({"happened": " "}, "Fill in “What happened”."),
        ({"affected": " "}, "Fill in “What was affected”."),
        ({"reason": " "}, "Fill in “Reason”."),
        ({"known_at": "yesterday"}, "like this: 2026-05-31 14:30."),
        ({"known_at": "0001-01-01T00:00"}, "too long ago"),
        ({"known_at": f"{timezone.now() + 2 * DAY:%Y-%m-%dT%H:%M}"}, "in the future"),
    ],
)
def test_what_is_not_whole_opens_nothing(officer: Member, wrong: dict[str, str], why: str) -> None:
    assert why in shown(officer, PATH, {**SAID, **wrong})
    assert not Incident.objects.exists()


def test_the_verb_refuses_what_the_page_would(officer: Member) -> None:
    at = timezone.now()
    good: dict[str, Any] = {**SAID, "known_at": at, "actor": officer.actor, "at": at}
    for wrong, error in (
        ({"kind": "burst"}, NotNow), ({"known_at": at + timedelta(seconds=1)}, NotNow), ({"happened": " "}, NoReason),
        ({"affected": ""}, NoReason), ({"reason": " "}, NoReason), ({"kind": "partner_breach"}, NotNow),
    ):  # fmt: skip
        with pytest.raises(error):
            report_incident(**{**good, **wrong})
    assert not AuditEvent.objects.exists()
    assert report_incident(**good) == Incident.objects.get().pk


@pytest.mark.parametrize("role", [User.Role.AGENT, User.Role.AUDITOR, User.Role.LEGAL])
def test_nobody_but_an_officer_reports_one(role: User.Role) -> None:
    member, at = staff(role), timezone.now()
    with pytest.raises(StaffOnly):
        report_incident(**{**SAID, "known_at": at, "actor": member.actor, "at": at})
    assert member.client.post(PATH, SAID).status_code in {302, 403, 404}
    assert not Incident.objects.exists()


def test_the_breach_notification_says_what_is_known(officer: Member) -> None:
    path = post(officer, PATH, SAID)
    one = Incident.objects.get()
    post(officer, f"{path}note/", {"reason": "Counsel agrees."})
    told = shown(officer, f"/admin/documents/make/breach/{one.pk}/", {})
    for said in (
        f"What happened {SAID['happened']} What was affected {SAID['affected']} ", "Found by first@carrier.example ",
        "Customers affected not counted by line ",
    ):  # fmt: skip
        assert said in told
    acts = told.partition("Timeline")[2]
    assert 0 < acts.find("became known") < acts.find("Counsel agrees."), "the oldest first"
    kept = json.loads(officer.client.post(f"{path}export/", {"form": "json", "reason": "Due."}).content)["timeline"]
    assert [entry["why"] for entry in kept][-1] == "Counsel agrees."
    of_lines = an_incident_of_lines(a_line(), a_line())
    told = shown(officer, f"/admin/documents/make/breach/{of_lines.pk}/", {})
    assert "What happened Look-ups after people stopped " in told
    assert "Found by our systems " in told
    assert "Customers affected 2 " in told


@pytest.mark.parametrize("form", ["html", "json"])
def test_what_is_sent_away_says_who_reported_it(officer: Member, form: str) -> None:
    path = post(officer, PATH, SAID)
    text = officer.client.post(f"{path}export/", {"form": form, "reason": "For the agencies."}).content.decode()
    if form == "json":
        found = json.loads(text)["incident"]
        assert (found["found_by"], found["opened_at"]) == ("first@carrier.example", "2026-03-02T15:30:00Z")
        assert (found["happened"], found["what_was_affected"]) == (SAID["happened"], SAID["affected"])
        return
    assert "It became known on 2 March 2026, 15:30 UTC; first@carrier.example reported it on" in text
    assert "By the system" not in text
    assert "A laptop was &lt;b&gt;stolen&lt;/b&gt; from a train." in text


# Working an incident: notes, who was told, its clocks, what it reached, and everything about it to send away.


NUMBER, NAME = "+12065550177", "Quillfeather Person"


TELL = "Notify the FCC, if opting out keeps failing"


def opened(kind: str = "canary_failed", *, at: datetime, key: str = "k", subject: str = "page") -> Incident:
    audit.actions.open_incident(kind=kind, key=key, subject=subject, at=at)
    return Incident.objects.get(kind=kind, key=key)


def an_incident_of_lines(*lines: Line) -> Incident:
    for name, kind in (("GeoBridge", "aggregator"), ("SecureTrack", "lbs_provider"), ("CountyJail", "end_customer")):
        a_party(name, kind)
    may = datetime(2026, 5, 10, 18, tzinfo=UTC)
    for line in lines:
        looked(line, may, may + DAY, judgement=AFTER_STOP, path=(BRIDGE, TRACK, JAIL), recorded_at=timezone.now())
    find(at=timezone.now())
    return Incident.objects.get(kind="after_stop")


def test_duties_have_clocks_and_end_by_an_officer_s_word(officer: Member) -> None:
    friday = datetime(2026, 11, 20, 17, tzinfo=UTC)
    one = opened(at=friday)
    assert one.due_at == datetime(2026, 11, 30, 17, tzinfo=UTC)
    path = f"/admin/incidents/{one.pk}/"
    said = shown(officer, path)
    assert f"{TELL} 47 CFR 64.2009(f)" in said
    wrong = {"duty": "customers", "told_on": "2026-11-21"}
    assert "The choice for “Notification” isn't available." in shown(officer, f"{path}told/", wrong)
    ahead = f"{timezone.now() + 2 * DAY:%Y-%m-%d}"
    assert "in the future" in shown(officer, f"{path}told/", {"duty": "fcc", "told_on": ahead, "reference": "R-1"})
    early = {"duty": "fcc", "told_on": "2026-01-20", "reference": "R-1"}
    assert "Enter that day or a later one." in shown(officer, f"{path}told/", early)
    done = {"duty": "fcc", "told_on": "2026-11-20", "reference": "Docket 26-117", "reason": "Sent by portal."}
    assert post(officer, f"{path}told/", done) == path
    assert Incident.objects.filter(due_at=None).exists()
    said = shown(officer, path)
    assert "Done on 2026-11-20, reference Docket 26-117 . Recorded by first@carrier.example." in said
    assert f"incident: notification recorded ({TELL}; done on 2026-11-20; reference Docket 26-117)" in said.replace(
        " )", ")"
    )
    # The same trouble again begins its clocks anew.
    audit.actions.close_incident(incident_id=one.pk, actor=officer.actor, reason="Due", at=timezone.now())
    again = timezone.now()
    audit.actions.open_incident(kind=one.kind, key=one.key, subject="page", at=again)
    one.refresh_from_db()
    assert one.due_at is not None
    assert one.due_at > again
    assert "Recorded by" not in shown(officer, path)


def test_deadlines_end_on_the_agencies_own_day() -> None:
    evening_there = datetime(2026, 11, 26, 1, 28, tzinfo=UTC)
    due = [
        (clock.duty.name, clock.due_at)
        for clock in list_running_clocks(kind="after_stop", begun=[evening_there], done_at={})
    ]
    assert [name for name, _ in due] == ["fcc", "partner", "agencies", "customers"]
    days = (date(2026, 12, 3), date(2026, 12, 3), date(2026, 12, 7), date(2026, 12, 25))
    assert [at for _, at in due] == [datetime.combine(day, time(23, 59), UTC) for day in days]


def test_the_next_date_is_that_of_the_next_duty() -> None:
    one = opened("after_stop", at=datetime(2026, 11, 20, 17, tzinfo=UTC))
    assert [duty.name for duty in DUTIES["after_stop"]] == ["fcc", "agencies", "customers", "partner"]
    officer = staff()
    due = []
    for duty in ("fcc", "partner", "agencies", "customers"):
        do_duty(
            incident_id=one.pk, duty=duty, told_on=datetime(2026, 11, 20, tzinfo=UTC).date(), reference="",
            actor=officer.actor, reason="Done.", at=timezone.now(),
        )  # fmt: skip
        one.refresh_from_db()
        due.append(one.due_at)
    agencies, customers = datetime(2026, 12, 2, 17, tzinfo=UTC), datetime(2026, 12, 20, 17, tzinfo=UTC)
    monday = datetime(2026, 11, 30, 17, tzinfo=UTC)
    assert due == [monday, agencies, customers, None]


def test_the_next_date_comes_first(officer: Member) -> None:
    now = timezone.now()
    opened("burst", at=now, key="none", subject="No clock")
    opened(at=now - 3 * DAY, key="soon", subject="Soon")
    opened(at=now - 30 * DAY, key="late", subject="Late")
    shut = opened(at=now - 40 * DAY, key="shut", subject="Shut")
    audit.actions.close_incident(incident_id=shut.pk, actor=officer.actor, reason="Due", at=now)
    rows = rows_of(officer, "/admin/incidents/")
    assert [name for row in rows for name in ("No clock", "Soon", "Late", "Shut") if name in row] == [
        "Late", "Soon", "No clock", "Shut",
    ]  # fmt: skip
    assert ["overdue" in row for row in rows] == [True, False, False, False]
    for asked, names in (("overdue", ["Late"]), ("running", ["Soon"]), ("none", ["No clock"])):
        found = rows_of(officer, f"/admin/incidents/?due={asked}")
        assert ([name in row for name, row in zip(names, found, strict=True)]) == [True]
    told = shown(officer, "/admin/")
    assert "3 open incidents, 1 past its notification deadline" in told
    # What came a week later has its own date.
    came = now - 2 * DAY
    audit.actions.open_incident(kind="canary_failed", key="late", subject="Late", at=came)
    said = shown(officer, f"/admin/incidents/{Incident.objects.get(key='late').pk}/")
    assert f"{TELL} 47 CFR 64.2009(f) For events since {came:%-d %b %Y, %H:%M}. " in said
    assert said.count("For events since") == 1


def test_notes_stand_in_the_timeline(officer: Member) -> None:
    one = opened(at=timezone.now() - DAY)
    path = f"/admin/incidents/{one.pk}/"
    audit.actions.open_incident(kind=one.kind, key=one.key, subject="page", at=timezone.now())
    assert post(officer, f"{path}note/", {"reason": " "}) == ""
    assert post(officer, f"{path}note/", {"reason": "The certificate had run out."}) == path
    assert post(officer, f"{path}close/", {"reason": "A new one is in."}) == path
    assert post(officer, f"{path}note/", {"reason": "Counsel agrees."}) == path
    line = shown(officer, path).partition("Timeline")[2]
    order = [
        "Counsel agrees", "A new one is in", "had run out", "seen again (2 occurrences by then)",
        "opened (1 occurrence by then)",
    ]  # fmt: skip
    places = [line.replace("( ", "(").replace(" )", ")").find(words) for words in order]
    assert sorted(places) == places
    assert places[0] > 0


def test_first_and_last_are_since_it_was_opened_again(officer: Member) -> None:
    friday = datetime(2026, 11, 20, 17, tzinfo=UTC)
    one = opened(at=friday)
    closed, again = friday + DAY, friday + 2 * DAY
    audit.actions.close_incident(incident_id=one.pk, actor=officer.actor, reason="Due", at=closed)
    reached = get_incident_impact(incident=one, about=None, at=timezone.now())
    assert (reached.first_at, reached.last_at) == (friday, friday)
    audit.actions.open_incident(kind=one.kind, key=one.key, subject="page", at=again)
    one.refresh_from_db()
    reached = get_incident_impact(incident=one, about=None, at=timezone.now())
    assert (reached.first_at, reached.last_at) == (again, again)
    audit.actions.open_incident(kind=one.kind, key=one.key, subject="page", at=again + DAY)
    one.refresh_from_db()
    reached = get_incident_impact(incident=one, about=None, at=timezone.now())
    assert (reached.first_at, reached.last_at) == (again, IncidentStep.objects.get(what="counted").at)
    # Nor did it happen when newer records showed that there was less.
    less = audit.actions.IncidentCount(one.kind, one.key, one.subject, 1)
    audit.actions.state_incidents(stated=[less], actor="system:anomalies", at=again + DAY)
    one.refresh_from_db()
    assert IncidentStep.objects.get(what="fewer").count == 1
    reached = get_incident_impact(incident=one, about=None, at=timezone.now())
    assert (reached.first_at, reached.last_at) == (again, IncidentStep.objects.get(what="counted").at)


def test_what_was_done_today_is_written_down(officer: Member) -> None:
    now = timezone.now()
    one = opened(at=now)
    said = {"reference": "R-1", "actor": officer.actor, "reason": "Sent."}
    with pytest.raises(NotNow):
        do_duty(incident_id=one.pk, duty="fcc", told_on=now.date() + DAY, at=now, **said)
    do_duty(incident_id=one.pk, duty="fcc", told_on=now.date(), at=now, **said)


@pytest.mark.parametrize("role", [User.Role.AGENT, User.Role.AUDITOR, User.Role.LEGAL])
def test_nobody_else_writes_into_one(role: User.Role) -> None:
    one, member, now = opened(at=timezone.now()), staff(role), timezone.now()
    with pytest.raises(StaffOnly):
        note_incident(incident_id=one.pk, actor=member.actor, reason="Due", at=now)
    with pytest.raises(StaffOnly):
        do_duty(
            incident_id=one.pk, duty="fcc", told_on=now.date(), reference="", actor=member.actor, reason="Due", at=now
        )
    assert not AuditEvent.objects.exists()


def test_it_says_how_many_lines_it_reached_and_names_none(officer: Member) -> None:
    lines = [a_line(msisdn=NUMBER, holder_name=NAME), a_line()]
    one = an_incident_of_lines(*lines)
    said = shown(officer, f"/admin/incidents/{one.pk}/")
    reached = said.partition("Impact")[2]
    for sentence in ("Subscribers' lines Counted, not named. To see them, give a reason. 2", "SecureTrack",
                  "First 10 May 2026, 18:00", "Last 11 May 2026, 18:00",
                  "Source Location releases on record"):  # fmt: skip
        assert sentence in reached
    assert not AuditEvent.objects.filter(line_id__isnull=False).exists()


@pytest.mark.parametrize("role", [User.Role.OFFICER, User.Role.AUDITOR])
@pytest.mark.parametrize("form", ["html", "json"])
def test_everything_about_it_is_taken_away_with_a_reason(officer: Member, role: User.Role, form: str) -> None:
    line = a_line(msisdn=NUMBER, holder_name=NAME)
    one, member = an_incident_of_lines(line), staff(role, name="taker")
    note_incident(incident_id=one.pk, actor=officer.actor, reason="<b>Asked</b> them.", at=timezone.now())
    path = f"/admin/incidents/{one.pk}/export/"
    assert "Fill in “Reason”." in member.client.post(path, {"form": form, "reason": " "}).content.decode()
    assert not AuditEvent.objects.filter(action="export.taken").exists()
    answer = member.client.post(path, {"form": form, "reason": "For the FCC."})
    text = answer.content.decode()
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="whereabouts-incident-{one.pk}-')
    assert answer.headers["Content-Disposition"].endswith(f'.{form}"')
    for mark in (NUMBER[2:], "Quillfeather", line.carrier_id, "<b>Asked" if form == "html" else "\x00"):
        assert mark not in text
    for sentence in ("taker@carrier.example", "SecureTrack", "47 CFR 64.2011", "Look-ups after people stopped"):
        assert sentence in text
    if form == "json":
        body = json.loads(text)
        assert (body["affected"]["lines"], body["affected"]["times"], body["affected"]["companies"]) == (
            1, 1, ["SecureTrack"],
        )  # fmt: skip
        assert [one["what"] for one in body["timeline"]] == ["opened", "incident: note added"]
    taken = AuditEvent.objects.get(action="export.taken")
    assert (taken.actor, taken.target, taken.reason, taken.detail) == (
        member.actor, "export:incident", "For the FCC.", {"incident": one.pk, "form": form},
    )  # fmt: skip


def test_what_is_sent_away_says_how_long_it_went_on(officer: Member) -> None:
    one = an_incident_of_lines(a_line(), a_line())
    asked = {"form": "html", "reason": "For the FCC."}
    page = officer.client.post(f"/admin/incidents/{one.pk}/export/", asked).content.decode()
    for what, at in (("First", "10 May 2026, 18:00 UTC"), ("Last", "11 May 2026, 18:00 UTC")):
        assert f"<dt>{what}</dt><dd>{at}</dd>" in page


def test_what_is_not_there_is_no_incident(officer: Member) -> None:
    for act in ("note", "told", "export"):
        assert officer.client.get(f"/admin/incidents/9/{act}/").status_code == 404
    with pytest.raises(NotNow, match="no such incident"):
        note_incident(incident_id=9, actor=officer.actor, reason="Due", at=timezone.now())
