"""What no program sees is reported by hand: its clocks count from when it became known, and it says by whom."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from audit.models import AuditEvent, Incident
from audit.policies import ALL
from console.actions.incidents import report_incident
from partners.policies.lifecycle import NotNow
from support.domain.tickets import open_tickets
from support.models import Ticket
from support.queries.incidents import duties_of
from tests.factories import a_party
from tests.support.officers import Member, post, shown, staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
DAY = timedelta(days=1)
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
    for words in ("A laptop was <b>stolen</b> from a train.", "Exports of one week.",
                  "Reported by first@carrier.example", "Deadlines count from when the incident became known",
                  "became known (1 occurrence by then) The system 2 Mar 2026, 15:30"):  # fmt: skip
        assert words in said
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
        ({"kind": "burst"}, "Select a valid choice"),
        ({"kind": ""}, "This field is required."),
        ({"happened": " "}, "This field is required."),
        ({"affected": " "}, "This field is required."),
        ({"reason": " "}, "This field is required."),
        ({"known_at": "yesterday"}, "Enter a valid date/time."),
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
