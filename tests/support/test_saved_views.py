"""Views of lists that staff save: their own, opened by a link, and no one's number in them."""

import re
from html import unescape

import pytest

from accounts.models import User
from audit.models import AuditEvent
from support.models import SavedView
from tests.support.officers import Member, staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")
ERRORS = re.compile(r'class="(?:o-error|o-note bad)"[^>]*>([^<]+)<')
LATE = "due=overdue&sort=-opened_at"


def saved(member: Member, path: str, name: str) -> str:
    """Save a view; where that leads, or what the form says is wrong."""
    answer = member.client.post(f"/admin/views/{path}", {"name": name})
    if answer.status_code == 302:
        return str(answer.headers["Location"])
    assert answer.status_code == 200
    return unescape(" ".join(ERRORS.findall(answer.content.decode())))


def read(member: Member, path: str) -> str:
    answer = member.client.get(path)
    assert answer.status_code == 200
    return unescape(" ".join(answer.content.decode().split()))


def test_a_view_is_saved_opened_replaced_and_removed(officer: Member) -> None:
    assert "/admin/views/" not in read(officer, "/admin/incidents/")
    page = read(officer, f"/admin/incidents/?{LATE}&page=1")
    assert f'<a href="/admin/views/incidents/?{LATE}">Save this view</a>' in page
    assert "Save this view</button>" in read(officer, f"/admin/views/incidents/?{LATE}")
    assert saved(officer, f"incidents/?{LATE}&page=2&csv=1", "Late <b>") == f"/admin/incidents/?{LATE}"
    page = read(officer, "/admin/incidents/")
    assert f'<a href="?{LATE}"><bdi>Late <b></bdi></a> · <a href="/admin/views/incidents/">Saved views</a>' in page
    # Of the same name there is one.
    assert saved(officer, "incidents/?whose=mine", "Late <b>") == "/admin/incidents/?whose=mine"
    one = SavedView.objects.get()
    assert (one.user, one.page, one.query) == (officer.user, "incidents", "whose=mine")
    second = staff(name="second")
    assert "Late" not in read(second, "/admin/incidents/") + read(second, "/admin/views/incidents/")
    second.client.post("/admin/views/incidents/", {"remove": str(one.pk)})
    assert SavedView.objects.get() == one
    for wrong in ("", "x", "٣", "9" * 30):
        assert officer.client.post("/admin/views/incidents/", {"remove": wrong}).status_code == 200
    assert officer.client.post("/admin/views/incidents/", {"remove": str(one.pk)}).status_code == 302
    assert not SavedView.objects.exists()
    acts = AuditEvent.objects.filter(action__startswith="saved_view.").order_by("id")
    assert [(act.actor, act.action, act.target) for act in acts] == [
        (officer.actor, f"saved_view.{verb}", f"saved_view:{one.pk}") for verb in ("saved", "saved", "removed")
    ]
    assert read(officer, "/admin/trail/").count("of incidents") == 3


def test_what_cannot_be_saved_says_why(officer: Member) -> None:
    number = "A saved view can't hold a phone number."
    whole = "Filter or sort the list first: this is the whole list, in its usual order."
    assert saved(officer, "incidents/", "All") == whole
    assert saved(officer, "incidents/?page=3", "All") == whole
    assert saved(officer, f"parties/?q={'x' * 1001}", "Long") == "These filters are too long to be saved."
    assert saved(officer, "parties/?q=%2B1+206+555+0142", "Theirs") == number
    assert saved(officer, "parties/?q=Ash", "+1 206 555 0142") == number
    assert saved(officer, "parties/?q=Ash", "\u200f\u200b") == "Give it a name with a letter or a digit."
    assert saved(officer, "parties/?q=Ash", "") == "This field is required."
    assert saved(officer, "trail/?from=2026-11-29&to=2026-11-30", "Two days").startswith("/admin/trail/?from=")
    for n in range(20):
        saved(officer, "parties/?q=Ash", f"Ash {n}")
    assert saved(officer, "parties/?q=Ash", "Ash 20") == "You have 20 views of this list. Remove one first."
    # One of a name that is there already is replaced.
    assert saved(officer, "parties/?q=Elm", "Ash 19") == "/admin/parties/?q=Elm"


def test_each_role_saves_views_of_its_own_lists() -> None:
    auditor, legal = staff(User.Role.AUDITOR), staff(User.Role.LEGAL)
    assert saved(auditor, "incidents/?state=open", "Open") == "/admin/incidents/?state=open"
    assert saved(legal, "trail/?kind=look", "Looks") == "/admin/trail/?kind=look"
    forms = ((auditor, "search"), (auditor, "party-add"), (legal, "delayed"))
    for member, page in (
        (legal, "incidents"),
        (auditor, "separations"),
        (auditor, "party"),
        (auditor, "nothing"),
        *forms,
    ):
        assert member.client.get(f"/admin/views/{page}/").status_code == 404
