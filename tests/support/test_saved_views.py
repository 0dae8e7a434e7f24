"""Views of lists and of the desk's queue that staff save: their own, opened by a link, no one's number in them."""

import re
from html import unescape

import pytest

from accounts.models import User
from audit.models import AuditEvent
from support.models import SavedView
from tests.support.officers import Member, staff

pytestmark = pytest.mark.usefixtures("db", "no_broker")
ERRORS = re.compile(r'class="(?:o-error|o-note bad|error|notice bad)"[^>]*>(?:<p>|<svg.*?</svg>)?([^<]+)<', re.DOTALL)
TAKEN, NUMBER = "Another of your views has this name.", "A saved view can't hold a phone number."
LATE = "due=overdue&sort=-opened_at"


def saved(member: Member, path: str, name: str) -> str:
    """Save a view; where that leads, or what the form says is wrong."""
    return done(member, f"/admin/views/{path}", {"name": name})


def done(member: Member, path: str, said: dict[str, str]) -> str:
    """Send a form; where that leads, or what it says is wrong."""
    answer = member.client.post(path, said)
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
    whole = "Filter or sort the list first: this is the whole list, in its usual order."
    assert saved(officer, "incidents/", "All") == whole
    assert saved(officer, "incidents/?page=3", "All") == whole
    assert saved(officer, f"parties/?q={'x' * 1001}", "Long") == "These filters are too long to be saved."
    assert saved(officer, "parties/?q=%2B1+206+555+0142", "Theirs") == NUMBER
    assert saved(officer, "parties/?q=Ash", "+1 206 555 0142") == NUMBER
    assert saved(officer, "parties/?q=Ash", "\u200f\u200b") == "Give it a name with a letter or a digit."
    assert saved(officer, "parties/?q=Ash", "") == "Fill in “Name”."
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


def test_a_view_has_another_name_where_none_of_one_s_own_has_it(officer: Member) -> None:
    views, second = "/admin/views/incidents/", staff(name="second")
    saved(officer, "incidents/?whose=mine", "Mine")
    saved(officer, f"incidents/?{LATE}", "Late")
    saved(officer, "parties/?q=Ash", "Elsewhere")
    shown = re.findall(r'href="\?([^"]*)"><bdi>(\w+)<', read(officer, "/admin/incidents/"))
    assert shown == [(LATE, "Late"), ("whose=mine", "Mine")]
    late = SavedView.objects.get(name="Late")

    def named(member: Member, name: str) -> str:
        answer = member.client.post(views, {"rename": str(late.pk), "new_name": name}, follow=True)
        late.refresh_from_db()
        found = (one for one in ("Renamed.", TAKEN, NUMBER, "Fill in “Name”.") if one in unescape(answer.text))
        # What was refused is said where it can be typed again.
        assert (answer.redirect_chain == []) is ('name="new_name"' in answer.text)
        return f"{late.name}: {' '.join(found)}"

    assert named(officer, "Mine") == f"Late: {TAKEN}"
    assert named(officer, "+1 206 555 0142") == f"Late: {NUMBER}"
    assert named(officer, " ") == "Late: Fill in “Name”."
    named(second, "Theirs")
    assert named(officer, "Elsewhere") == "Elsewhere: Renamed."
    acts = AuditEvent.objects.filter(action="saved_view.renamed")
    assert [(act.actor, act.target) for act in acts] == [(officer.actor, f"saved_view:{late.pk}")]


def test_an_agent_saves_the_queue_as_it_is_narrowed_and_sorted() -> None:
    agent, other = staff(User.Role.AGENT), staff(User.Role.AGENT, name="other")
    asked = "whose=mine&sort=-due"
    for plain in ("/desk/", "/desk/?kind=", "/desk/?kind=ours"):
        assert "/desk/views/" not in read(agent, plain)
    assert "<p>Filter or sort the queue, then save it as a view.</p>" in read(agent, "/desk/views/")
    assert '<a href="/desk/" aria-current="true">Queue</a>' in agent.client.get("/desk/views/").text
    assert (
        f'href="/desk/views/?{asked.replace("&", "&amp;")}">Save this view</a>'
        in agent.client.get(f"/desk/?{asked}&after=2~1").text
    )
    assert done(agent, f"/desk/views/?{asked}&after=2~1&csv=1", {"name": "My <b>"}) == f"/desk/?{asked}"
    one = SavedView.objects.get()
    assert (one.user, one.page, one.query) == (agent.user, "desk", asked)
    link = f'<a href="/desk/?{asked}"><bdi>My <b></bdi></a>'
    assert link in read(agent, "/desk/")
    assert link in read(agent, "/desk/views/")
    assert link.replace("><bdi", ' aria-current="true"><bdi') in read(agent, f"/desk/?{asked}")
    assert "My <b>" not in read(other, "/desk/") + read(other, "/desk/views/")
    assert done(other, "/desk/views/", {"remove": str(one.pk)}) == "/desk/"
    assert done(agent, f"/desk/views/?{asked}", {"rename": str(one.pk), "new_name": "Own"}) == f"/desk/?{asked}"
    assert f'<a href="/desk/?{asked}"><bdi>Own</bdi></a>' in read(agent, "/desk/")
    page = read(agent, "/desk/views/")
    assert "A view opens the queue with these filters, in this order. Only you see your views." in page
    assert re.findall(r"<label for=.view-[0-9]+.>([^<]+)<", page) == ["New name"]
    assert "Only you see it. Another view of that name is replaced." in read(agent, f"/desk/views/?{asked}")
    assert done(agent, "/desk/views/", {"remove": str(one.pk)}) == "/desk/"
    assert ">Removed.<" in read(agent, "/desk/")
    assert not SavedView.objects.exists()


def test_no_view_of_the_queue_holds_a_number_anywhere() -> None:
    agent = staff(User.Role.AGENT)
    for query in ("company=206-555-0142", "state=%2B12065550142", "%2B12065550142=on"):
        assert done(agent, f"/desk/views/?{query}", {"name": "Theirs"}) == NUMBER
    assert done(agent, "/desk/views/?company=Ash", {"name": "206 555 0142"}) == NUMBER
    whole = "Filter or sort the list first: this is the whole list, in its usual order."
    assert done(agent, "/desk/views/?after=2", {"name": "All"}) == whole
    assert not SavedView.objects.exists()


def test_an_agent_reads_of_views_in_spanish() -> None:
    agent = staff(User.Role.AGENT)
    agent.client.cookies["django_language"] = "es"
    assert "No hay vistas guardadas" in read(agent, "/desk/views/")
    assert "Guardar esta vista" in read(agent, "/desk/?whose=mine")
    number = "Una vista guardada no puede tener un número de teléfono."
    assert done(agent, "/desk/views/?company=206-555-0142", {"name": "Suya"}) == number
