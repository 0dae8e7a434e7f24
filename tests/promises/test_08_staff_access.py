"""Promise 8: what staff read of a subscriber, or do about one, stands in that subscriber's own log, with a reason."""

import json
from collections.abc import Iterator
from copy import deepcopy
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.http import HttpResponseBase
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from accounts.clients.texts import MemoryBackend
from accounts.models import User
from accounts.primitives.reasons import NoReason
from accounts.queries import StaffOnly
from audit.models import AuditEvent
from consent.models import Choice
from console.actions.staff_access_log import view_order
from console.urls import ADDRESSES
from console.views.site import LEGAL
from partners.domain import pairwise
from tests.people import signed_in
from tests.selection import drawn
from tests.shared import shared
from tests.support.console import CARRIER_LINE, NUMBER, PERSON, Console, everything
from tests.support.officers import staff
from tests.walks.addresses import filled

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
WHY = "Ticket 7: was it told?"
WRITTEN_BY_STAFF = ("agent:", "officer:", "auditor:", "command:")


@pytest.fixture(scope="module")
def every_console(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Console]:
    yield from shared(django_db_blocker, everything)


@pytest.fixture
def console(every_console: Console, db: None, settings: Settings) -> Console:
    settings.SMS_BACKEND = "accounts.clients.texts.MemoryBackend"
    settings.ANSWER_SECONDS = 0.0
    MemoryBackend.outbox.clear()
    return deepcopy(every_console)


def body(response: HttpResponseBase) -> str:
    return (b"".join(response) if isinstance(response, Iterator) else response.getvalue()).decode()


def order_of(console: Console) -> str:
    return f"/admin/streams/{console.ids['party_id']}/orders/{console.ids['order_id']}/"


def names_of(console: Console) -> set[str]:
    """Everything by which a page could show whose line it is about; partners' own names for it too."""
    party_id = int(str(console.ids["party_id"]))
    sub = pairwise.subject(line_id=console.line.pk, party_id=party_id)
    return {PERSON, NUMBER, NUMBER.removeprefix("+1"), CARRIER_LINE, str(console.line.public_id), sub}


def log_of(console: Console) -> list[tuple[str, str]]:
    """What staff did about the line, as it stands in its own log, the newest last."""
    events = AuditEvent.objects.filter(line_id=console.line.pk).order_by("pk")
    return [(one.action, one.reason) for one in events if one.actor.startswith(WRITTEN_BY_STAFF)]


@pytest.mark.parametrize(
    ("row", "role"), [*enumerate((User.Role.AGENT, User.Role.OFFICER, User.Role.AUDITOR, User.Role.LEGAL))]
)
def test_no_address_shows_a_subscriber_without_a_log_entry(console: Console, row: int, role: User.Role) -> None:
    """Every page of staff, read and posted to with a reason: whatever names the line has written so."""
    member = staff(role)
    unseen: list[str] = []
    for one in drawn(ADDRESSES, of=2, row=row):
        path = filled(f"admin/{one.route}", console.ids)
        for method in ("GET", *(["POST"] if one.looks or one.roles == LEGAL else [])):
            before = len(log_of(console))
            ask = member.client.post if method == "POST" else member.client.get
            shown = body(ask(path, {"kind": "fault", "reason": WHY}))
            if any(name in shown for name in names_of(console)) and len(log_of(console)) == before:
                unseen.append(f"{method} {path}")
    assert unseen == []


@pytest.mark.parametrize("role", [User.Role.OFFICER, User.Role.AUDITOR])
def test_a_look_at_an_order_needs_a_reason(console: Console, role: User.Role) -> None:
    member, before = staff(role), log_of(console)
    sub = pairwise.subject(line_id=console.line.pk, party_id=int(str(console.ids["party_id"])))
    refused = [{}, {"reason": WHY}, {"kind": "fault", "reason": "z"}, {"kind": "x", "reason": WHY}]
    for form in refused:
        assert sub not in body(member.client.post(order_of(console), form))
    assert sub not in body(member.client.get(order_of(console)))
    assert log_of(console) == before
    assert sub in body(member.client.post(order_of(console), {"kind": "fault", "reason": WHY}))
    assert log_of(console) == [*before, ("order.seen", f"To find out what went wrong: {WHY}")]
    read = signed_in(console.line).get("/access-log/").text
    assert "Looked at what a company was told about this line" in read
    assert WHY in read
    assert member.user.email not in read


def test_the_verb_asks_for_staff_and_a_reason(console: Console) -> None:
    ids: dict[str, Any] = {"party_id": console.ids["party_id"], "order_id": console.ids["order_id"]}
    agent, officer = staff(User.Role.AGENT), staff(User.Role.OFFICER)
    with pytest.raises(StaffOnly):
        view_order(**ids, actor=agent.actor, kind="fault", reason=WHY, at=timezone.now())
    with pytest.raises(StaffOnly):
        view_order(**ids, actor=f"subscriber:{officer.user.pk}", kind="fault", reason=WHY, at=timezone.now())
    with pytest.raises(NoReason):
        view_order(**ids, actor=officer.actor, kind="fault", reason=" ", at=timezone.now())
    with pytest.raises(NoReason) as unknown:
        view_order(**ids, actor=officer.actor, kind="x", reason=WHY, at=timezone.now())
    assert str(unknown.value) == "Choose what you look for."
    assert "order.seen" not in {action for action, _ in log_of(console)}


def test_an_export_by_command_is_logged_with_its_reason(console: Console) -> None:
    before, out = log_of(console), StringIO()
    for said in ("z", "call (206) 555-0142"):
        with pytest.raises(CommandError, match=r"^(Say why|Your reason seems to hold a phone number)"):
            call_command("export_line", CARRIER_LINE, reason=said, stdout=out)
    assert (out.getvalue(), log_of(console)) == ("", before)
    call_command("export_line", CARRIER_LINE, reason=WHY, stdout=out)
    assert json.loads(out.getvalue())["line"]["line_id"] == CARRIER_LINE
    assert log_of(console) == [*before, ("line.exported", WHY)]


def test_staff_have_no_hand_on_a_person_s_choices(console: Console) -> None:
    before = Choice.objects.count()
    said = {"line": str(console.line.public_id), "scope": "all", "campaign": console.campaign.ref, "days": "30"}
    for role in (User.Role.AGENT, User.Role.OFFICER, User.Role.AUDITOR, User.Role.LEGAL):
        member = staff(role)
        for verb in ("stop", "pause", "allow", "dispute"):
            status = member.client.post(f"/choices/{verb}/", said).status_code
            assert status in {302, 403, 404}, (role, verb, status)
    assert Choice.objects.count() == before
