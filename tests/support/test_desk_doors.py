"""Who passes each door of the desk, by their role; nobody passes without a second factor."""

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from audit.models import Incident
from support.models import BulkReply
from tests.factories import a_line
from tests.support.desk import a_ticket
from tests.support.officers import staff
from tests.walks.addresses import filled, patterns

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_broker")]
WHO = (User.Role.AGENT, User.Role.OFFICER, User.Role.AUDITOR, User.Role.LEGAL, User.Role.SUBSCRIBER)
# By name: what is asked of it, and what agent, officer, auditor, legal process and subscriber are answered.
DOORS = {
    "desk": ("get", (200, 200, 200, 403, 403)),
    "desk-counts": ("get", (200, 200, 200, 403, 403)),
    "desk-views": ("get", (200, 200, 200, 403, 403)),
    # An officer finds them with the rest in the console.
    "desk-notifications": ("get", (200, 302, 403, 403, 403)),
    "desk-search": ("post", (302, 302, 302, 403, 403)),
    "desk-claim-next": ("post", (302, 302, 403, 403, 403)),
    "desk-figures": ("get", (200, 200, 200, 403, 403)),
    "desk-figures-csv": ("get", (200, 200, 200, 403, 403)),
    "desk-complaints": ("get", (403, 200, 200, 403, 403)),
    "desk-complaints-csv": ("get", (403, 200, 200, 403, 403)),
    "desk-many": ("get", (200, 200, 403, 403, 403)),
    "desk-many-reply": ("get", (200, 200, 200, 403, 403)),
    "desk-many-reply-progress": ("get", (200, 200, 200, 403, 403)),
    "desk-many-reply-undo": ("post", (302, 302, 403, 403, 403)),
    "desk-claim": ("post", (302, 302, 403, 403, 403)),
    "desk-handling": ("get", (200, 200, 403, 403, 403)),
    "desk-assign": ("post", (403, 302, 403, 403, 403)),
    "desk-hand-over": ("post", (200, 200, 403, 403, 403)),
    "desk-merge": ("post", (200, 200, 403, 403, 403)),
}


def test_each_door_opens_to_these_and_no_others() -> None:
    at, routes = timezone.now(), dict(patterns())
    incident = Incident.objects.create(kind="overdue", key="one", subject="partner:1", opened_at=at)
    reply = BulkReply.objects.create(
        id=uuid4(), body="So.", by="agent:1", at=at, begins_at=at, ticket_ids=[], incident_id=incident.pk
    )
    ids = {"code": a_ticket().code, "many_id": reply.id, "year": at.year}
    people = [staff(role) for role in WHO]
    answered = {
        name: (method, tuple(getattr(one.client, method)(filled(routes[name], ids)).status_code for one in people))
        for name, (method, _) in DOORS.items()
    }
    assert answered == DOORS


def test_nobody_passes_without_a_second_factor() -> None:
    member = staff(User.Role.AGENT, second_factor=False)
    assert "/2fa/" in member.client.get("/desk/").headers["Location"]
    member.client.logout()
    answer = member.client.get("/desk/?kind=dispute")
    assert answer.headers["Location"] == "/accounts/login/staff/?next=%2Fdesk%2F%3Fkind%3Ddispute"


def test_pages_that_are_not_there_are_not_found() -> None:
    ana = staff(User.Role.AGENT)
    assert ana.client.get(f"/desk/many/{uuid4()}/").status_code == 404
    assert ana.client.get("/desk/T-ABC234/handling/").status_code == 404
    assert a_ticket(due_in=timedelta(days=1)).code in ana.client.get("/desk/").content.decode()


def test_where_nothing_is_staff_are_led_to_their_own_pages() -> None:
    for role, own in (
        (User.Role.AGENT, {"/desk/"}), (User.Role.OFFICER, {"/desk/", "/admin/"}), (User.Role.LEGAL, {"/admin/"}),
    ):  # fmt: skip
        page = staff(role).client.get("/nothing/here/").content.decode()
        led = set(re.findall(r'href="(/[^"#]*)"', page))
        assert led & {"/desk/", "/admin/", "/home/", "/history/", "/choices/", "/lines/"} == own
        assert "/accounts/logout/" in led


def test_an_act_reads_what_its_form_needs_and_not_the_whole_case() -> None:
    ana, ticket = staff(User.Role.AGENT), a_ticket(line_id=a_line().pk, kind="look_up")
    ana.client.post(f"/desk/{ticket.code}/priority/", {"reason": "They called.", "priority": 1})
    with CaptureQueriesContext(connection) as seen:
        assert ana.client.post(f"/desk/{ticket.code}/escalate/", {"reason": "They called."}).status_code == 302
    read = {table for one in seen for table in re.findall(r'FROM "(\w+)"', one["sql"])}
    assert read == {"accounts_user", "support_ticket"}
    assert len(seen) == 22
