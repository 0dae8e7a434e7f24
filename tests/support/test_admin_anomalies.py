"""Anomalies as officers work them: incidents with clocks, whose they are, the rows behind them, and the rules."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

import disclosures.actions
from accounts.models import Line, User
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from audit.models import AuditEvent, Incident
from audit.policies import list_running_clocks
from audit.queries import database_clock
from consent.actions.choices import stop
from console.actions import proposals
from console.actions.incidents import assign_incident
from console.actions.staff_access_log import export_incident_rows
from disclosures.models import Anomaly, AnomalyRule, Judgement
from disclosures.workers.anomalies.detection import find
from partners.models import Proposal
from partners.policies.lifecycle import NotNow
from support.queries import anomalies
from support.queries.anomalies import code_of, rows_page
from tests.disclosures.anomalies import AFTER_STOP, BRIDGE, DAY, JAIL, NO_APPROVAL, TRACK, every, looked
from tests.factories import a_campaign, a_contract, a_line, a_party, an_approval
from tests.people import signed_in
from tests.properties import undone
from tests.support.officers import Member, post, rows_of, shown, staff
from tests.world import gagged

LOOK = {"kind": "review", "reason": "As asked for."}
pytestmark = pytest.mark.usefixtures("db", "no_broker")
HOUR = timedelta(hours=1)
MAY = datetime(2026, 5, 10, 18, tzinfo=UTC)
NUMBER = "+12065550142"
PATH = (BRIDGE, TRACK, JAIL)


@pytest.fixture
def now() -> datetime:
    return database_clock()


@pytest.fixture
def officer(db: None) -> Member:
    for name, kind in (("GeoBridge", "aggregator"), ("SecureTrack", "lbs_provider"), ("CountyJail", "end_customer")):
        a_party(name, kind)
    return staff(name="first")


@pytest.fixture
def line(now: datetime) -> Line:
    return a_line(msisdn=NUMBER, activated_at=MAY - 20 * DAY)


def the_incident(now: datetime, **fields: Any) -> str:
    """Its page, after a look."""
    find(at=now)
    return f"/admin/incidents/{Incident.objects.get(**fields).pk}/"


def table(page: str) -> list[list[str]]:
    body = page.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, flags=re.DOTALL)
    return [[" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in row.split("</td>")[:-1]] for row in rows]


def test_an_incident_lists_what_was_found_by_code(officer: Member, line: Line, now: datetime) -> None:
    other = a_line()
    looked(line, MAY, MAY + HOUR, judgement=AFTER_STOP, path=PATH, recorded_at=now)
    looked(other, MAY, judgement=AFTER_STOP, path=PATH, recorded_at=now)
    path = the_incident(now)
    incident = Incident.objects.get()
    assert "Incidents Look-ups after people stopped open About SecureTrack . Seen 2" in shown(officer, path)
    codes = [code_of(incident_id=incident.pk, line_id=one.pk) for one in (line, other)]
    assert [(row[:8], row[9:10]) for row in rows_of(officer, path)] == list(zip(codes, "21", strict=True))
    assert all("version 1 1 in 30 days open" in row for row in rows_of(officer, path))
    assert "SecureTrack" in shown(officer, "/admin/incidents/")
    for consequence, said in (
        ("suspended", "suspended for the line"), ("stopped", "the person's stop applies"),
        ("allowed", "allowed by the person since"), ("ended", "line ended"), ("nobody", "company unknown"),
        ("spared", "needs review: a lifeline, not suspended automatically"), ("old", "too old to suspend"),
    ):  # fmt: skip
        with undone():
            Anomaly.objects.filter(line_id=line.pk).update(consequence=consequence)
            assert f"version 1 1 in 30 days {said}" in rows_of(officer, path)[0]
    second = code_of(incident_id=incident.pk + 1, line_id=line.pk)
    assert second != codes[0], "a code is good for one incident"
    assert not AuditEvent.objects.filter(line_id=line.pk).exists()


def test_clocks_are_those_that_the_rules_name(officer: Member, line: Line, now: datetime) -> None:
    friday = datetime(2026, 11, 20, 17, tzinfo=UTC)
    due = [(clock.source, clock.due_at) for clock in list_running_clocks(kind="after_stop", begun=[friday], done_at={})]
    assert due == [
        ("47 CFR 64.2009(f)", datetime(2026, 11, 30, 17, tzinfo=UTC)),
        ("our own rule", datetime(2026, 11, 30, 17, tzinfo=UTC)),
        ("47 CFR 64.2011", datetime(2026, 12, 2, 17, tzinfo=UTC)),
        ("47 CFR 64.2011", datetime(2026, 12, 20, 17, tzinfo=UTC)),
    ]
    sources = [clock.source for clock in list_running_clocks(kind="no_approval", begun=[friday], done_at={})]
    assert sources == ["our own rule", *["47 CFR 64.2011"] * 2]
    saturday = datetime(2026, 11, 21, 9, tzinfo=UTC)
    assert list_running_clocks(kind="after_stop", begun=[saturday], done_at={})[0].due_at == datetime(
        2026, 11, 30, 9, tzinfo=UTC
    )
    assert list_running_clocks(kind="burst", begun=[friday], done_at={}) == []
    looked(line, MAY, judgement=AFTER_STOP, path=PATH, recorded_at=now)
    said = shown(officer, the_incident(now))
    assert "Notify the FCC, if opting out keeps failing 47 CFR 64.2009(f)" in said
    assert "our reading of the rules, not legal advice" in said
    looked(line, *every(MAY, 25, timedelta(minutes=1)), recorded_at=now)
    assert "Notification deadlines" not in shown(officer, the_incident(now, kind="burst"))


def test_it_is_acknowledged_assigned_and_closed_with_reasons(officer: Member, line: Line, now: datetime) -> None:
    looked(line, MAY, judgement=AFTER_STOP, path=PATH, recorded_at=now)
    path, second = the_incident(now), staff(name="second")
    assert "Assigned to unassigned Acknowledged not yet" in shown(officer, path)
    assert post(officer, f"{path}acknowledge/", {"reason": " "}) == ""
    assert post(officer, f"{path}acknowledge/", {"reason": "Mine."}) == path
    incident = Incident.objects.get()
    acknowledged_at = incident.acknowledged_at
    assert (incident.assigned_to, acknowledged_at is not None) == (officer.actor, True)
    # A second press of the button, or the form sent again, writes nothing, and says so.
    for act in ("acknowledge", "assign"):
        again = officer.client.post(f"{path}{act}/", {"to": officer.actor, "reason": "Again."}).content.decode()
        assert f"It is already assigned to {officer.user.email}. Nothing was changed." in again
    assert shown(officer, path).count("incident: assigned") == 1
    assert post(officer, f"{path}assign/", {"to": "", "reason": "Hers."}) == ""
    assert post(officer, f"{path}assign/", {"to": f"agent:{second.user.pk}", "reason": "Hers."}) == ""
    assert post(officer, f"{path}assign/", {"to": second.actor, "reason": "Hers."}) == path
    incident.refresh_from_db()
    assert (incident.assigned_to, incident.acknowledged_at) == (second.actor, acknowledged_at)
    assert second.user.email in rows_of(officer, "/admin/incidents/")[0]
    assert post(second, f"{path}close/", {"reason": "They mended it."}) == path
    said = shown(officer, path)
    for words in ("incident: assigned", "first@carrier.example: Mine.", "first@carrier.example: Hers.", "They mended"):
        assert words in said
    with pytest.raises(NotNow):
        assign_incident(incident_id=incident.pk, to=officer.actor, actor=officer.actor, reason="Again.", at=now)


@pytest.mark.parametrize("role", [User.Role.AGENT, User.Role.AUDITOR, User.Role.LEGAL])
def test_nobody_else_has_one(officer: Member, line: Line, now: datetime, role: User.Role) -> None:
    looked(line, MAY, judgement=AFTER_STOP, path=PATH, recorded_at=now)
    the_incident(now)
    member, incident = staff(role), Incident.objects.get()
    for to, actor in ((officer.actor, member.actor), (member.actor, officer.actor)):
        with pytest.raises(StaffOnly):
            assign_incident(incident_id=incident.pk, to=to, actor=actor, reason="Due", at=now)
    assert Incident.objects.get().assigned_to == ""


@pytest.mark.parametrize("role", [User.Role.OFFICER, User.Role.AUDITOR])
def test_rows_show_after_a_reason_and_are_logged(officer: Member, line: Line, now: datetime, role: User.Role) -> None:
    other, bystander = a_line(), a_line()
    looked(line, MAY, MAY + HOUR, judgement=NO_APPROVAL, path=PATH, recorded_at=now)
    looked(line, MAY + 2 * HOUR, judgement=NO_APPROVAL, path=(BRIDGE, TRACK, "unknown"), recorded_at=now)
    looked(line, MAY + HOUR, path=PATH, recorded_at=now)
    looked(other, *every(MAY, 3, HOUR), judgement=NO_APPROVAL, path=PATH, recorded_at=now)
    looked(bystander, MAY, judgement=NO_APPROVAL, path=PATH, recorded_at=now)
    path, member = the_incident(now, kind="no_approval"), staff(role, name="looker")
    incident = Incident.objects.get(kind="no_approval")
    assert "Give a reason" in shown(member, f"{path}rows/")
    assert (
        "Choose an answer for “Why you need this”."
        in member.client.post(f"{path}rows/", {"reason": " "}).content.decode()
    )
    assert not AuditEvent.objects.filter(action="anomaly.seen").exists()
    answer = member.client.post(f"{path}rows/", LOOK)
    rows = table(answer.content.decode())
    assert [row[0] for row in rows] == [
        code_of(incident_id=incident.pk, line_id=one.pk) for one in (line, line, line, other, other, other)
    ]
    assert rows[0][1:] == [
        "10 May 2026, 18:00:00", "GeoBridge → SecureTrack → CountyJail", "To give you a service you asked for",
        "No record of consent",
    ]  # fmt: skip
    assert rows[2][2] == "GeoBridge → SecureTrack → an unknown company"
    assert NUMBER[-7:] not in answer.content.decode()
    events = AuditEvent.objects.filter(action="anomaly.seen")
    assert sorted(events.values_list("line_id", "actor", "reason")) == sorted(
        (one.pk, member.actor, "To check how we work: As asked for.") for one in (line, other)
    )
    log = signed_in(line).get("/access-log/").text
    assert "Looked at look-ups of this line that don&#x27;t look right" in log
    assert "As asked for." in log


def test_every_page_of_rows_is_a_look(officer: Member, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [a_line() for _ in range(3)]
    for one in lines:
        looked(one, *every(MAY, 20, HOUR), judgement=AFTER_STOP, path=PATH, recorded_at=now)
    path = the_incident(now, kind="after_stop")
    first = officer.client.post(f"{path}rows/", LOOK).content.decode()
    later = re.findall(r'name="after" value="([^"]+)">Next page', first)
    second, strange = (
        officer.client.post(f"{path}rows/", {**LOOK, "after": after}).content.decode() for after in (later[0], "2")
    )
    assert [len(table(page)) for page in (first, second, strange)] == [50, 10, 50]
    assert ["First page" in page for page in (first, second, strange)] == [False, True, False]
    assert "Next page" not in second
    # Sealed: a place in plain would begin with the number of a line.
    assert later[0].startswith("gAAAAA")
    looks = AuditEvent.objects.filter(action="anomaly.seen")
    assert [looks.filter(line_id=one.pk).count() for one in lines] == [2, 2, 3]
    other = Incident.objects.create(kind="no_approval", key="2026 x", subject="x", opened_at=now)
    page = rows_page(incident=other, after=later[0], at=now)[0]
    assert page.first, "the place is one of another incident"
    monkeypatch.setattr(anomalies, "PAGE", 60)
    whole = officer.client.post(f"{path}rows/", LOOK).content.decode()
    assert (len(table(whole)), "Next page" in whole) == (60, False)


def test_rows_that_come_or_go_shift_no_other(officer: Member, line: Line, now: datetime) -> None:
    rows = looked(line, *every(MAY, 60, HOUR), judgement=AFTER_STOP, path=PATH, recorded_at=now)
    path = the_incident(now)
    first = officer.client.post(f"{path}rows/", LOOK).content.decode()
    gagged(rows[3], until=None, at=now)
    looked(line, MAY - HOUR, judgement=AFTER_STOP, path=PATH, recorded_at=now)
    (later,) = re.findall(r'name="after" value="([^"]+)"', first)
    second = officer.client.post(f"{path}rows/", {**LOOK, "after": later}).content.decode()
    moments = [row[1] for page in (first, second) for row in table(page)]
    assert moments == [f"{at:%-d %b %Y, %H:%M:%S}" for at in every(MAY, 60, HOUR)]


JUNE = datetime(2026, 6, 1, 3, tzinfo=UTC)


def moments_of(officer: Member, kind: str, now: datetime) -> list[datetime]:
    """When the rows behind the incident of a kind were, as its file says it."""
    path = the_incident(now, kind=kind)
    text = officer.client.post(f"{path}csv/", LOOK).getvalue().decode("utf-8-sig")
    return [datetime.fromisoformat(row["at"]) for row in csv.DictReader(io.StringIO(text))]


def test_months_whose_windows_share_rows_show_each_once(officer: Member, line: Line, now: datetime) -> None:
    told = [*every(JUNE - 5 * DAY, 5, HOUR), JUNE]
    looked(line, *told, judgement=AFTER_STOP, path=PATH, recorded_at=now)
    assert moments_of(officer, "after_stop", now) == told
    found = Anomaly.objects.filter(kind="after_stop").order_by("period")
    assert list(found.values_list("n", flat=True)) == [5, 6]


def test_windows_of_a_burst_that_share_rows_show_each_once(officer: Member, line: Line, now: datetime) -> None:
    midnight = JUNE.replace(hour=0)
    told = every(midnight - timedelta(minutes=25), 30, timedelta(minutes=1))
    looked(line, *told, midnight + 9 * HOUR, path=PATH, recorded_at=now)
    assert moments_of(officer, "burst", now) == told
    assert Anomaly.objects.filter(kind="burst").count() == 2


@pytest.mark.parametrize(
    ("kind", "judgement"),
    [("after_stop", AFTER_STOP), ("no_approval", NO_APPROVAL), ("suspended", Judgement.PARTNER_SUSPENDED)],
)
def test_all_of_a_month_is_shown_beyond_the_fullest_window(
    officer: Member, line: Line, now: datetime, kind: str, judgement: str
) -> None:
    first, last = datetime(2026, 5, 1, tzinfo=UTC), JUNE.replace(hour=0) - timedelta(microseconds=1)
    told = [first, *every(MAY, 3, HOUR), last]
    looked(line, *told, judgement=judgement, path=PATH, recorded_at=now)
    looked(line, MAY + 2 * DAY, path=PATH, recorded_at=now)
    looked(line, MAY + 2 * DAY, judgement=judgement, path=(BRIDGE, JAIL), recorded_at=now)
    looked(a_line(), MAY, path=PATH, recorded_at=now)
    path = the_incident(now, kind=kind, subject=TRACK)
    text = officer.client.post(f"{path}csv/", LOOK).getvalue().decode("utf-8-sig")
    read = [datetime.fromisoformat(row["at"]) for row in csv.DictReader(io.StringIO(text))]
    assert read == [at.replace(microsecond=0) for at in told]
    assert (Anomaly.objects.get(kind=kind, party=TRACK).n, len(read)) == (4, 5)


def test_the_file_has_codes_and_everybody_finds_it_taken(officer: Member, line: Line, now: datetime) -> None:
    looked(line, MAY, MAY + HOUR, judgement=AFTER_STOP, path=PATH, recorded_at=now)
    path, incident = the_incident(now), Incident.objects.get()
    assert "Give a reason" in shown(officer, f"{path}csv/")
    answer = officer.client.post(f"{path}csv/", {"kind": "other", "reason": "For counsel."})
    assert answer.headers["Content-Disposition"] == f'attachment; filename="whereabouts-incident-{incident.pk}.csv"'
    text = answer.getvalue().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0] == {
        "line_code": code_of(incident_id=incident.pk, line_id=line.pk), "at": "2026-05-10T18:00:00Z",
        "aggregator": BRIDGE, "location_service": TRACK, "end_customer": JAIL,
        "purpose": "To give you a service you asked for", "judgement": "After the person stopped",
    }  # fmt: skip
    assert (len(rows), NUMBER[2:] in text) == (2, False)
    taken = AuditEvent.objects.get(action="export.taken")
    assert (taken.actor, taken.target, taken.detail) == (
        officer.actor, "export:anomalies", {"incident": incident.pk},
    )  # fmt: skip
    assert AuditEvent.objects.get(action="export.given").detail == {"incident": incident.pk, "rows": 2}
    event = AuditEvent.objects.get(action="anomaly.taken")
    assert (event.line_id, event.reason) == (line.pk, "Something else: For counsel.")


def test_the_file_has_all_of_them_whatever_its_parts(
    officer: Member, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [a_line() for _ in range(25)]
    for one in lines[:2]:
        looked(one, *every(MAY, 3, HOUR), MAY, judgement=AFTER_STOP, path=PATH, recorded_at=now)
    for one in lines[2:]:
        looked(one, MAY, MAY + HOUR, path=PATH, recorded_at=now)
    for one in lines:
        looked(one, MAY + 30 * HOUR, path=PATH, recorded_at=now)
    the_incident(now, kind="after_stop")
    looks = AuditEvent.objects.filter(action="anomaly.taken").order_by("line_id")
    after_stop = sorted([*every(MAY, 3, HOUR), MAY]) * 2
    of_everybody = [MAY] * 27 + [MAY + HOUR] * 25 + [MAY + 2 * HOUR] * 2 + [MAY + 30 * HOUR] * 25
    for part in (1, 2, 3, 7, 8):
        monkeypatch.setattr(anomalies, "PART", part)
        for kind, subject, of, told in (
            ("after_stop", TRACK, lines[:2], after_stop), ("many_lines", JAIL, lines, of_everybody),
        ):  # fmt: skip
            incident, reason = Incident.objects.get(kind=kind, subject=subject), f"In parts: {kind} {part}"
            form = {**LOOK, "reason": reason}
            text = officer.client.post(f"/admin/incidents/{incident.pk}/csv/", form).getvalue().decode()
            moments = [line.split(",")[1] for line in text.splitlines()[1:]]
            assert (reason, moments) == (reason, [f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in told])
            taken = looks.filter(reason=f"To check how we work: {reason}")
            assert list(taken.values_list("line_id", flat=True)) == [one.pk for one in of]


def test_a_part_is_logged_before_it_goes_out(officer: Member, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anomalies, "PART", 2)
    lines = [a_line() for _ in range(4)]
    for one in lines:
        looked(one, MAY, judgement=AFTER_STOP, path=PATH, recorded_at=now)
    the_incident(now)
    parts = export_incident_rows(incident_id=Incident.objects.get().pk, actor=officer.actor, **LOOK, at=now)
    assert parts is not None
    looks = AuditEvent.objects.filter(action="anomaly.taken").order_by("line_id")
    assert AuditEvent.objects.filter(action="export.taken").exists()
    seen = [(next(parts, None), looks.count())[1] for _ in range(5)]
    assert seen == [0, 2, 2, 4, 4]
    assert next(parts, None) is None
    assert list(looks.values_list("line_id", flat=True)) == [one.pk for one in lines]


def test_what_is_hidden_is_in_no_file_and_count(officer: Member, line: Line, now: datetime) -> None:
    (hidden, *_) = looked(line, *every(MAY, 4, HOUR), judgement=NO_APPROVAL, path=PATH, recorded_at=now)
    path = the_incident(now)
    gagged(hidden, until=None, at=now)
    page = officer.client.post(f"{path}rows/", LOOK).content.decode()
    assert len(table(page)) == 3
    assert "10 May 2026, 18:00" not in page
    text = officer.client.post(f"{path}csv/", LOOK).getvalue().decode()
    assert ("T18:00" in text, text.count("\r\n")) == (False, 4)


def test_a_night_s_rows_are_those_of_the_nights(officer: Member, line: Line, now: datetime) -> None:
    ten = datetime(2026, 5, 11, 5, tzinfo=UTC)
    looked(line, *every(ten, 4, DAY), *every(ten + 12 * HOUR, 3, DAY), path=PATH, recorded_at=now)
    path = the_incident(now, kind="night")
    assert len(table(officer.client.post(f"{path}rows/", LOOK).content.decode())) == 4


def test_an_end_customer_s_rows_are_of_every_line(officer: Member, now: datetime) -> None:
    lines = [a_line() for _ in range(25)]
    for one in lines:
        looked(one, MAY, path=PATH, recorded_at=now)
        looked(one, MAY, path=(BRIDGE, TRACK), recorded_at=now)
    path = the_incident(now, kind="many_lines")
    assert rows_of(officer, path)[0].startswith("many lines 25 ")
    rows = table(officer.client.post(f"{path}rows/", LOOK).content.decode())
    assert (len(rows), len({row[0] for row in rows})) == (25, 25)
    assert AuditEvent.objects.filter(action="anomaly.seen").count() == 25


def test_disputed_claims_are_shown_with_when_they_were_disputed(officer: Member, line: Line, now: datetime) -> None:
    campaign = a_campaign(a_contract(a_party("GeoBridge")), a_party("SecureTrack", "lbs_provider"))
    an_approval(line, campaign, at=now - DAY, verified_by="partner", recorded_at=now)
    an_approval(a_line(), campaign, at=now - DAY, verified_by="partner", recorded_at=now)
    stop(line_id=line.pk, scope="party", ref=TRACK, actor="subscriber:1", channel="web", reason="never_agreed")
    path = the_incident(database_clock(), kind="disputed")
    assert "1 of 2 claims" in rows_of(officer, path)[0]
    (row,) = table(officer.client.post(f"{path}rows/", LOOK).content.decode())
    assert row[2:] == ["GeoBridge → SecureTrack", "To give you a service you asked for", "Claimed and disputed"]


def test_what_is_no_longer_so_has_no_rows(officer: Member, line: Line, now: datetime) -> None:
    looked(line, MAY, judgement=AFTER_STOP, path=PATH, recorded_at=now)
    path = the_incident(now)
    Anomaly.objects.update(cleared_at=now)
    assert "no longer true since" in rows_of(officer, path)[0]
    assert rows_of(officer, f"{path}?state=so") == []
    assert len(rows_of(officer, f"{path}?state=over")) == 1
    assert "This incident has no look-ups that you may see" in shown(officer, f"{path}rows/", LOOK)


def test_an_incident_of_another_kind_has_no_rows(officer: Member, now: datetime) -> None:
    one = Incident.objects.create(kind="overdue", key="partner:1:2026-11-01", subject="partner:1", opened_at=now)
    assert "View look-ups" not in shown(officer, f"/admin/incidents/{one.pk}/")
    assert "This incident has no look-ups that you may see" in shown(officer, f"/admin/incidents/{one.pk}/rows/", LOOK)
    assert officer.client.post("/admin/incidents/999/rows/", LOOK).status_code == 404


BURST = "/admin/anomaly-rules/burst/"


def test_an_officer_changes_a_rule_and_every_version_stays(officer: Member, now: datetime) -> None:
    assert rows_of(officer, "/admin/anomaly-rules/?kind=burst")[0].startswith(
        "Burst of look-ups of one line version 1 in force 20 or more look-ups of a line by one company within 60"
    )
    form = {"threshold": 10, "window": 90, "enabled": "on", "reason": "Tow trucks."}
    assert post(officer, BURST, form) == "/admin/anomaly-rules/"
    newest, first = AnomalyRule.objects.filter(kind="burst").order_by("-version")
    assert (newest.version, newest.threshold, newest.window, newest.enabled) == (2, 10, 90, True)
    assert (newest.actor, newest.reason, first.threshold) == (officer.actor, "Tow trucks.", 20)
    rows = rows_of(officer, "/admin/anomaly-rules/?kind=burst")
    assert ["replaced" in row for row in rows] == [False, True]
    assert "first@carrier.example Tow trucks." in rows[0]
    assert "threshold: 10, was 20; window: 90, was 60" in rows_of(officer, "/admin/trail/?kind=act")[0]
    assert post(officer, BURST, form) == "", "nothing would change"
    assert "The rule already says that." in shown(officer, BURST, form)


def test_a_looser_rule_waits_for_a_second_officer(officer: Member) -> None:
    second, path = staff(name="second"), "/admin/anomaly-rules/after_stop/"
    form = {"threshold": 2, "window": 30, "suspend_after_days": "", "enabled": "", "reason": "Too many."}
    assert post(officer, path, form) == "/admin/anomaly-rules/"
    proposal = Proposal.objects.get()
    assert AnomalyRule.objects.count() == 8
    assert "Loosen an anomaly rule : proposed by first@carrier.example" in shown(second, path)
    assert "The same change is already proposed" in shown(second, path, form)
    page = shown(second, f"/admin/proposals/{proposal.pk}/")
    assert "Look-ups after the person stopped, version 1" in page
    assert (
        "It would find 2 or more look-ups of a line by one company within 30 days, after the person stopped. "
        "No company would be suspended for the line. It would be off. This proposal lapses if"
    ) in page
    assert "another officer" in shown(officer, f"/admin/proposals/{proposal.pk}/agree/", {"reason": "I too."})
    assert AnomalyRule.objects.count() == 8
    assert post(second, f"/admin/proposals/{proposal.pk}/agree/", {"reason": "I read it."})
    newest = AnomalyRule.objects.get(kind="after_stop", version=2)
    assert (newest.threshold, newest.suspend_after_days, newest.enabled) == (2, None, False)
    assert (newest.actor, newest.reason) == (second.actor, "Too many.")
    assert " off 2 or more" in rows_of(second, "/admin/anomaly-rules/?kind=after_stop")[0]
    detail = AuditEvent.objects.get(action="anomaly_rule.changed").detail
    assert (detail["proposal"], detail["proposed_by"]) == (str(proposal.pk), officer.actor)


def test_what_would_suspend_later_is_said_in_days(officer: Member) -> None:
    form = {"threshold": 2, "window": 30, "suspend_after_days": 9, "enabled": "on", "reason": "Too soon."}
    post(officer, "/admin/anomaly-rules/after_stop/", form)
    page = shown(officer, f"/admin/proposals/{Proposal.objects.get().pk}/")
    assert "after the person stopped. After 9 days the company would be suspended for the line. This proposal" in page


def test_what_two_agreed_to_follows_no_other_version(officer: Member, now: datetime) -> None:
    second = staff(name="second")
    values: dict[str, Any] = {"kind": "burst", "window": 60, "suspend_after_days": None, "enabled": True, "at": now}
    act: dict[str, Any] = {"actor": officer.actor, "reason": "Due"}
    proposal = disclosures.actions.change_anomaly_rule(**values, **act, threshold=40)
    assert isinstance(proposal, Proposal)
    disclosures.actions.change_anomaly_rule(**values, **act, threshold=10)
    with pytest.raises(NotNow, match="changed since it was proposed"):
        proposals.agree_to_proposal(proposal_id=proposal.pk, reason="Due", actor=second.actor, at=now)
    proposal.refresh_from_db()
    newest = AnomalyRule.objects.filter(kind="burst").order_by("-version")[0]
    assert (proposal.decision, newest.version, newest.threshold) == ("", 2, 10)


@pytest.mark.parametrize(
    ("kind", "typed", "said"),
    [
        ("burst", {"threshold": "0"}, "Enter 1 or more."),
        ("burst", {"threshold": "many"}, "Enter a whole number for “"),
        ("burst", {"window": "1441"}, "At least 1, at most 1440 minutes."),
        ("dormant", {"window": "30"}, "At least 31, at most 730 days."),
        ("disputed", {"window": "13"}, "At least 1, at most 12 months."),
        ("after_stop", {"suspend_after_days": "15"}, "At most 14 days; empty: never."),
        ("burst", {"reason": ""}, "Fill in “Reason”."),
    ],
)
def test_a_bad_value_is_refused_where_it_stands(officer: Member, kind: str, typed: dict[str, str], said: str) -> None:
    form = {"threshold": "2", "window": "40", "suspend_after_days": "", "enabled": "on", **typed}
    page = shown(officer, f"/admin/anomaly-rules/{kind}/", form)
    assert said in page
    assert AnomalyRule.objects.count() == 8
    assert officer.client.get("/admin/anomaly-rules/other/").status_code == 404


def test_the_verb_refuses_what_the_form_would(officer: Member, now: datetime) -> None:
    values: dict[str, Any] = {
        "kind": "burst", "threshold": 0, "window": 0, "suspend_after_days": 3, "enabled": True, "reason": "Due",
        "actor": officer.actor, "at": now,
    }  # fmt: skip
    with pytest.raises(ValidationError) as caught:
        disclosures.actions.change_anomaly_rule(**values)
    assert set(caught.value.message_dict) == {"threshold", "window", "suspend_after_days"}
    with pytest.raises(ValidationError):
        disclosures.actions.change_anomaly_rule(**{**values, "kind": "other"})
    with pytest.raises(NoReason):
        disclosures.actions.change_anomaly_rule(**{**values, "reason": " "})
    for role in (User.Role.AGENT, User.Role.AUDITOR, User.Role.LEGAL):
        with pytest.raises(StaffOnly):
            disclosures.actions.change_anomaly_rule(**{**values, "actor": staff(role).actor})
    assert AnomalyRule.objects.count() == 8
