"""The page of roles, and pages as another role finds them: its doors, the officer's own rows, and no act."""

import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.policies.permissions import StaffAction
from audit.models import AuditEvent
from console.urls import ADDRESSES
from partners.models import Suspension
from tests.selection import drawn
from tests.support.console import everything, filled
from tests.support.officers import Member, csv_of, places, rows_of, shown, staff, words
from tests.words.pages import read

pytestmark = pytest.mark.usefixtures("db", "no_broker")

ROLES = "/admin/roles/"


def viewing(role: str, *, name: str = "viewer") -> Member:
    officer = staff(name=name)
    assert officer.client.post(ROLES, {"role": role}).status_code == 302
    return officer


def status(client: Client, path: str) -> int:
    return client.get(path).status_code


def test_the_page_says_who_may_do_what() -> None:
    page = shown(staff(User.Role.AUDITOR), ROLES)
    assert "Permission Support agent Privacy officer Auditor Legal process" in page
    assert "See cases yes yes yes no" in page
    assert "See delayed-notice orders, and this role's acts no no no yes" in page
    assert (
        "Preview and sign documents, upload agreements no yes no no Download documents, with a reason no yes yes no"
        in page
    )
    assert "View as" not in page
    assert len(rows_of(staff(name="another"), ROLES)) == len(StaffAction)


def test_the_menu_marks_the_list_that_a_page_belongs_to() -> None:
    console, officer = everything(at=timezone.now()), staff()
    routes = {one.name: one.route for one in ADDRESSES}
    lists = {"suspend-request": "Suspension requests", "campaign-draft": "Campaigns", "shorten": "Contracts",
             "terminate": "Terminations", "timeline": "Streams", "index": "Dashboard"}  # fmt: skip
    assert {name: places(officer, filled(routes[name], console.ids)) for name in lists} == {
        name: [label] for name, label in lists.items()
    }
    menu = officer.client.get(ROLES).content.decode().partition("</nav>")[0]
    assert re.findall(r'<p class="o-group">([^<]+)</p>', menu) == [
        "Partners", "Decisions", "Delivery", "Rules", "Oversight",
    ]  # fmt: skip


def test_an_officer_sees_the_pages_of_an_auditor_as_an_auditor_does() -> None:
    console = everything(at=timezone.now())
    auditor, officer = staff(User.Role.AUDITOR), viewing(User.Role.AUDITOR)
    seen = 0
    for one in drawn(ADDRESSES, of=2):
        path = filled(one.route, console.ids)
        pages = [member.client.get(path) for member in (auditor, officer)]
        if pages[0].streaming and not one.looks:
            assert (path, pages[1].status_code) == (path, 403)
            continue
        assert (path, pages[0].status_code) == (path, pages[1].status_code)
        if pages[0].status_code == 200 and not pages[0].streaming and not one.looks and one.name != "roles":
            page = pages[1].content.decode()
            assert "Viewing as: Auditor. You see this role's menus and buttons." in words(page)
            assert (path, page.count('method="post"')) == (path, pages[0].content.decode().count('method="post"') + 1)
            seen += 1
    assert seen > 10


def test_nobody_acts_while_they_view_as_another_role() -> None:
    contract = everything(at=timezone.now()).campaign.contract
    officer = viewing(User.Role.AUDITOR)
    before = Suspension.objects.count()
    path = f"/admin/suspend/party/{contract.aggregator_id}/"
    assert officer.client.post(path, {"reason": "They sold it."}).status_code == 403
    assert officer.client.post("/admin/search/", {"q": "Geo"}).status_code == 403
    assert Suspension.objects.count() == before
    officer.client.post(ROLES, {"role": User.Role.OFFICER})
    assert officer.client.post(path, {"reason": "They sold it."}).status_code == 302
    assert Suspension.objects.count() == before + 1


@pytest.mark.parametrize("role", [User.Role.OFFICER, User.Role.AUDITOR, User.Role.LEGAL])
def test_every_list_is_exported_by_every_role_that_has_it(role: User.Role) -> None:
    everything(at=timezone.now())
    member = staff(role)
    lists = []
    for one in ADDRESSES:
        if "<" in one.route or role not in one.roles:
            continue
        answer = member.client.get(f"/admin/{one.route}?csv=1")
        if answer.streaming:
            assert answer.getvalue().startswith(b"\xef\xbb\xbf"), one.name
            lists.append(one.name)
    assert (len(lists), {"imports", "documents"} - {*lists}) == (2 if role == User.Role.LEGAL else 22, set()), lists
    taken = AuditEvent.objects.filter(action="export.taken", target="export:list", actor=member.actor)
    assert taken.count() == len(lists)


def test_nothing_is_downloaded_in_ones_own_name_while_viewing_as_another() -> None:
    """Not even what that role may download: the audit log would say that the officer did."""
    ids = everything(at=timezone.now()).ids
    files = (
        "/admin/contracts/?csv=1", f"/admin/exports/contracts/{ids['year']}/", "/desk/figures/desk.csv",
        f"/admin/reconciliation/{ids['run_id']}/csv/", f"/admin/imports/{ids['upload_id']}/rejects/",
        f"/desk/figures/complaints/{ids['year']}/complaints.csv", f"/admin/streams/{ids['party_id']}/?csv=1",
    )  # fmt: skip
    officer = viewing(User.Role.AUDITOR)
    taken = AuditEvent.objects.filter(action="export.taken", actor=officer.actor)
    for path in files:
        page = officer.client.get(path)
        assert (path, page.status_code) == (path, 403)
        assert "you can't change or download anything" in words(page.content.decode())
    assert not taken.exists()
    officer.client.post(ROLES, {"role": User.Role.OFFICER})
    for path in files:
        csv_of(officer, path)
    assert taken.count() == len(files)


def test_an_agent_has_a_desk_and_no_console() -> None:
    officer = viewing(User.Role.AGENT)
    assert status(officer.client, "/admin/") == 403
    page = officer.client.get("/desk/").content.decode()
    assert (
        "Viewing as: Support agent. You see this role's menus and buttons. A page opens only if both of you may see it,"
        " and you can't change or download anything. Stop viewing as this role"
    ) in words(page)
    assert ">Console</a>" not in page
    assert ">Bulk replies</a>" in page
    assert "You can't do this here." in officer.client.get("/admin/contracts/").content.decode()
    assert "Viewing as: Support agent." in officer.client.get("/admin/contracts/").content.decode()
    assert ">Console</a>" not in officer.client.get("/admin/contracts/").content.decode()
    assert officer.client.post("/desk/replies/new/", {"title": "x"}).status_code == 403
    spanish = words(officer.client.get("/desk/", headers={"accept-language": "es"}).content.decode())
    assert (
        "Usted ve como: Support agent. Usted ve los menús y botones de este rol. Una página se abre solo si tanto usted"
        " como este rol pueden verla, y no puede cambiar ni descargar nada. Dejar de ver como este rol"
    ) in spanish


@pytest.mark.parametrize(
    ("role", "ways"),
    [
        (User.Role.AGENT, {"Desk": "/desk/"}),
        (User.Role.OFFICER, {"Console": "/admin/", "Desk": "/desk/"}),
        (User.Role.AUDITOR, {"Console": "/admin/", "Desk": "/desk/"}),
        (User.Role.LEGAL, {"Console": "/admin/"}),
    ],
)
def test_staff_go_on_from_what_is_not_theirs_or_not_there(role: str, ways: dict[str, str]) -> None:
    client = staff(role).client
    for path, code in (("/admin/trail/x/", 404), ("/home/", 403)):
        answer = client.get(path)
        assert answer.status_code == code
        links = re.findall(r'<a class="button" href="([^"]+)">([^<]+)</a>', answer.content.decode())
        assert {label: href for href, label in links} == ways


def test_the_legal_process_roles_rows_are_seen_by_nobody_else() -> None:
    legal = staff(User.Role.LEGAL)
    legal.client.post("/admin/delayed/", {"reason": "Order 17 of the court"})
    officer = viewing(User.Role.LEGAL)
    page = officer.client.get("/admin/trail/")
    menu = [one.words for one in read(page.content.decode()).all("nav")[0].all("a")]
    assert [one for one in menu if one.endswith(("Delayed notices", "Contracts"))] == ["visibility_offDelayed notices"]
    assert "Order 17" not in page.content.decode()
    assert status(officer.client, "/admin/delayed/") == 403
    assert officer.client.get("/admin/").headers["Location"] == "/admin/delayed/"


def test_the_audit_log_says_who_viewed_as_whom_until_when() -> None:
    officer = viewing(User.Role.AGENT)
    page = shown(officer, ROLES)
    assert "View as: Support agent View as: Auditor View as: Legal process" in page
    answer = officer.client.post(ROLES, {"role": User.Role.OFFICER}, follow=True)
    assert "View as another role" in words(answer.content.decode())
    assert "Viewing as" not in answer.content.decode()
    assert [row.partition("Privacy officer ")[2] for row in rows_of(officer, "/admin/trail/")[:2]] == [
        f"view as: ended account of {officer.user.email} –",
        f"view as: started as support agent account of {officer.user.email} –",
    ]  # fmt: skip


@pytest.mark.parametrize("role", [User.Role.AUDITOR, User.Role.LEGAL, User.Role.AGENT])
def test_nobody_else_views_as_anybody(role: str) -> None:
    assert staff(role).client.post(ROLES, {"role": "agent"}).status_code == 403


@pytest.mark.parametrize("role", ["", "officer", "subscriber", "root"])
def test_no_other_role_is_viewed_as(role: str) -> None:
    officer = staff()
    assert "Viewing as" not in shown(officer, ROLES, {"role": role})
    assert status(officer.client, "/admin/") == 200
