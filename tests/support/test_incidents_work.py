"""Working an incident: notes, who was told, its clocks, what it reached, and everything about it to send away."""

import json
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.utils import timezone

import audit.actions
from accounts.models import Line, User
from accounts.queries import StaffOnly
from audit.models import AuditEvent, Incident, IncidentStep
from audit.policies import DUTIES, list_running_clocks
from console.actions.incidents import do_duty, note_incident
from disclosures.workers.anomalies.detection import find
from partners.policies.lifecycle import NotNow
from support.queries.incidents import get_incident_impact
from tests.disclosures.anomalies import AFTER_STOP, BRIDGE, JAIL, TRACK, looked
from tests.factories import a_line, a_party
from tests.support.officers import Member, post, rows_of, shown, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
DAY = timedelta(days=1)
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
    assert "Select a valid choice" in shown(officer, f"{path}told/", wrong)
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
    for words in ("Subscribers' lines Counted, not named. To see them, give a reason. 2", "SecureTrack",
                  "First 10 May 2026, 18:00", "Last 11 May 2026, 18:00",
                  "Source Location releases on record"):  # fmt: skip
        assert words in reached
    assert not AuditEvent.objects.filter(line_id__isnull=False).exists()


@pytest.mark.parametrize("role", [User.Role.OFFICER, User.Role.AUDITOR])
@pytest.mark.parametrize("form", ["html", "json"])
def test_everything_about_it_is_taken_away_with_a_reason(officer: Member, role: User.Role, form: str) -> None:
    line = a_line(msisdn=NUMBER, holder_name=NAME)
    one, member = an_incident_of_lines(line), staff(role, name="taker")
    note_incident(incident_id=one.pk, actor=officer.actor, reason="<b>Asked</b> them.", at=timezone.now())
    path = f"/admin/incidents/{one.pk}/export/"
    assert "This field is required." in member.client.post(path, {"form": form, "reason": " "}).content.decode()
    assert not AuditEvent.objects.filter(action="export.taken").exists()
    answer = member.client.post(path, {"form": form, "reason": "For the FCC."})
    text = answer.content.decode()
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="whereabouts-incident-{one.pk}-')
    assert answer.headers["Content-Disposition"].endswith(f'.{form}"')
    for mark in (NUMBER[2:], "Quillfeather", line.carrier_id, "<b>Asked" if form == "html" else "\x00"):
        assert mark not in text
    for words in ("taker@carrier.example", "SecureTrack", "47 CFR 64.2011", "Look-ups after people stopped"):
        assert words in text
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
