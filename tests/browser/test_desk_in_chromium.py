"""The desk in a browser: by keyboard, without a script, in both lights, and nothing for axe to find."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

import audit.actions
from accounts.models import User
from audit.models import Incident
from disclosures.models import Disclosure
from partners.models import Party
from support.models import SavedView, Ticket
from tests.browser.conftest import Visit
from tests.browser.looking import AXE, violations
from tests.factories import a_line, a_party
from tests.selection import drawn
from tests.support.console import a_case, everything
from tests.support.desk import a_ticket, said
from tests.support.officers import staff

pytestmark = pytest.mark.browser

DAY = timedelta(days=1)
TOO_WIDE = "() => document.documentElement.scrollWidth > innerWidth"


def full() -> None:
    party = a_party("GeoBridge Locations International Holdings")
    late = a_ticket(due_in=-2 * DAY, kind="dispute", party_id=party.pk, priority=1, language="es")
    said(late, "Quagga. " * 800)
    a_ticket(due_in=DAY, number_ending="0177", line_id=a_line().pk, about="Verylongwordwithoutanyspace" * 6)
    a_ticket(due_in=3 * DAY, state="waiting", assignee=staff(User.Role.AGENT, name="ben").user)


@pytest.mark.parametrize(("width", "scheme"), [*drawn([(1280, "light"), (390, "dark")], of=2)])
def test_axe_finds_nothing_and_nothing_is_too_wide(visit: Visit, width: int, scheme: str) -> None:
    full()
    party = Party.objects.get(name__startswith="GeoBridge")
    audit.actions.open_incident(kind=Incident.Kind.BURST, key="k", subject=party.uri, at=timezone.now())
    Ticket.objects.filter(number_ending="0177").update(party_id=party.pk)
    officer = staff()
    page, found = visit(member=officer, width=width, scheme=scheme).new_page(), list[str]()
    for path in ("/desk/", "/desk/?state=closed", "/desk/figures/", "/desk/figures/complaints/2026/", "/desk/many/"):
        page.goto(path)
        found += faults(page, path)
    told = visit(member=staff(User.Role.AGENT), width=width, scheme=scheme).new_page()
    told.goto("/desk/notifications/")
    found += faults(told, "notifications")
    page.goto("/desk/many/")
    page.fill("#id_body", "Your case is {code}.")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="Recipients").wait_for()
    found += faults(page, "bulk preview")
    page.goto("/desk/")
    page.fill("#desk-q", "0177")
    page.press("#desk-q", "Enter")
    page.wait_for_selector(".ending")
    found += faults(page, "found")
    page.keyboard.press("Escape")
    foot = page.get_by_role("region", name="Time zone and keyboard shortcuts")
    foot.get_by_role("button", name="Keyboard shortcuts").click()
    assert page.locator("#desk-keys h2").text_content() == "Keyboard shortcuts"
    assert page.get_by_label("Keyboard shortcuts are on").is_checked()
    found += faults(page, "keys")
    assert found == []


def faults(page: Page, path: str) -> list[str]:
    page.evaluate(AXE)
    wide = ["too wide"] if page.evaluate(TOO_WIDE) else []
    return [f"{path}: {fault}" for fault in [*violations(page), *wide]]


def test_by_keys_alone(visit: Visit) -> None:
    full()
    ana = staff(User.Role.AGENT, name="ana")
    page = visit(member=ana, width=1280).new_page()
    page.goto("/desk/")
    codes = page.locator("[data-case] .code").all_inner_texts()
    expect(page.get_by_role("button", name="Take next case")).to_have_text("Take next casec")
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert codes[1] in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("k")
    assert codes[0] in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("?")
    assert page.locator("#desk-keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("gc?")
    assert page.input_value("#desk-q") == "gc?"
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("m")
    page.wait_for_url("**/desk/?whose=mine")
    page.keyboard.press("c")
    page.wait_for_url(f"**/desk/{codes[0]}/")
    for key, field in (("r", "id_answer_body"), ("n", "id_note_body")):
        page.locator("h1").click()
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.id") == field
    # The next one is taken from there.
    page.locator("h1").click()
    page.keyboard.press("c")
    page.wait_for_url(f"**/desk/{codes[1]}/")
    page.goto(f"/desk/{codes[2]}/")
    assert page.locator("[data-key=t]").count() == 0
    # Who speaks to their browser switches single keys off.
    page.goto("/desk/")
    page.locator("[data-keys]").click()
    page.locator("#desk-keys-on").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("?")
    assert not page.locator("#desk-keys").is_visible()
    expect(page.locator("kbd.hint")).to_be_hidden()


def test_a_key_pressed_as_soon_as_the_page_is_there_goes_nowhere_else(visit: Visit) -> None:
    full()
    page = visit(member=staff(), width=1280).new_page()
    # Less than a second after it began to load, which is sooner than a slow machine shows it.
    page.add_init_script("Object.defineProperty(Event.prototype, 'timeStamp', {get: () => 900})")
    page.goto("/admin/")
    page.keyboard.press("i")
    page.keyboard.press("/")
    page.keyboard.type("Ash")
    assert page.input_value("[name=q]") == "Ash"
    page.goto("/desk/")
    code = page.locator("[data-case] .code").first.inner_text()
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url(f"**/desk/{code}/")


def test_the_console_has_the_same_switch(visit: Visit) -> None:
    page = visit(member=staff(User.Role.OFFICER, name="otto"), width=1280).new_page()
    page.goto("/admin/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.type("g?")
    assert page.input_value("[name=q]") == "g?"
    page.locator("h1").first.click()
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/admin/incidents/")
    page.keyboard.press("?")
    assert page.locator("#keys dl > div").all_inner_texts() == [
        "/\nSearch", "g d\nDashboard", "g n\nNotifications", "g q\nSupport desk", "g c\nCompanies", "g p\nProposals",
        "g i\nIncidents", "g l\nAudit log", "?\nThis list",
    ]  # fmt: skip
    page.locator("#keys-on").uncheck()
    page.get_by_role("button", name="Close").click()
    page.reload()
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.name") is None
    page.goto("/desk/")
    page.keyboard.press("?")
    assert not page.locator("#desk-keys").is_visible()


def test_without_a_script_it_is_whole(visit: Visit, site: str) -> None:
    full()
    ana = staff(User.Role.AGENT, name="ana")
    page = visit(member=ana, script=False).new_page()
    page.goto("/desk/")
    assert page.locator("[data-count=open]").inner_text() == "3"
    assert not page.locator("[data-keys]").is_visible()
    page.locator("summary").click()
    page.select_option("#id_kind", "dispute")
    page.locator(".filters button").click()
    expect(page.locator("[data-case]")).to_have_count(1)
    page.fill("#desk-q", "quagga")
    with page.expect_navigation():
        page.locator(".desk-search button").click()
    expect(page.locator("[data-case]")).to_have_count(1)
    page.locator("[data-case] button").click()
    page.wait_for_url(f"{site}/desk/T-**")
    # However long the message, the answer is one link away.
    page.mouse.move(200, 400)
    page.mouse.wheel(0, 3000)
    expect(page.locator("h1")).not_to_be_in_viewport()
    expect(page.locator("#id_answer_body")).not_to_be_in_viewport()
    expect(page.get_by_role("link", name="Write the answer")).to_be_in_viewport()
    page.get_by_role("link", name="Write the answer").click()
    expect(page.locator("#id_answer_body")).to_be_in_viewport()


def test_the_counts_follow(visit: Visit) -> None:
    ana = staff(User.Role.AGENT, name="ana")
    page = visit(member=ana).new_page()
    page.goto("/desk/")
    assert page.locator("[data-count=open]").inner_text() == "0"
    a_ticket()
    page.evaluate("htmx.ajax('GET', '/desk/counts/', {target: '#desk-counts', swap: 'outerHTML'})")
    page.wait_for_selector("[data-count=open]:text('1')")


def test_when_the_sign_in_has_ended_what_is_written_stays_and_the_page_goes_to_the_sign_in(
    visit: Visit, site: str
) -> None:
    path = f"/desk/{a_ticket().code}/write/"
    page = visit(member=staff(User.Role.AGENT, name="ana")).new_page()
    page.goto(path)
    page.fill("#id_answer_body", "Dear you")
    page.context.clear_cookies(name="sessionid")
    with page.expect_response("**/canned/") as answer:
        page.get_by_role("button", name="Insert").click()
    assert (answer.value.status, page.input_value("#id_answer_body")) == (401, "Dear you")
    page.evaluate("htmx.ajax('GET', '/desk/counts/', {target: '#desk-counts', swap: 'outerHTML'})")
    page.wait_for_url(f"{site}/accounts/login/staff/?next={quote(path, safe='')}")


def test_what_is_typed_outlives_a_reload_and_the_sign_in(visit: Visit, site: str) -> None:
    ana, code = staff(User.Role.AGENT, name="ana"), a_ticket().code
    path = f"/desk/{code}/write/"
    page = visit(member=ana).new_page()
    page.goto(path)
    body, note = page.locator("#id_answer_body"), page.locator("#id_note_body")
    # Before it is saved, 1.5 seconds after the last key.
    body.fill("Dear you")
    page.reload()
    expect(body).to_have_value("Dear you")
    expect(page.locator("#kept-answer")).to_have_text("We restored what you typed.")
    # Sent by a session that has ended: it is there after the next sign-in.
    page.locator(".compose details > summary[data-hint=n]").click()
    note.fill("Ask the partner.")
    (session,) = [one["value"] for one in page.context.cookies() if one["name"] == "sessionid"]
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Write the note").click()
    page.wait_for_url(f"{site}/accounts/login/staff/**")
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    page.goto(path)
    expect(note).to_have_value("Ask the partner.")
    expect(note).to_be_visible()
    page.get_by_role("button", name="Write the note").click()
    expect(page.locator(".said", has_text="Ask the partner.")).to_be_visible()
    expect(note).to_have_value("")
    # Once it is saved, what the server has is the newest: also from another window.
    with page.expect_response("**/draft/answer/"):
        body.press_sequentially("!")
    expect(page.locator("#kept-answer")).to_contain_text("Draft saved.")
    assert page.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('draft:'))") == []


def drafts(page: Page) -> list[str]:
    kept: list[str] = page.evaluate("Object.values(sessionStorage).filter((one) => one.includes('Half an answer'))")
    return kept


def test_what_is_typed_goes_when_its_writer_signs_out_or_someone_else_signs_in(visit: Visit, site: str) -> None:
    path, olga = f"/desk/{a_ticket().code}/write/", staff(User.Role.OFFICER, name="olga")
    page = visit(member=staff(User.Role.AGENT, name="ana")).new_page()
    page.goto(path)
    page.fill("#id_answer_body", "Half an answer")
    # To be asked whether to sign out is not to sign out.
    page.locator(".desk-me").get_by_role("link", name="Sign out").click()
    page.wait_for_url(f"{site}/accounts/logout/")
    assert len(drafts(page)) == 1
    page.context.clear_cookies(name="sessionid")
    page.goto("/accounts/login/staff/")
    assert len(drafts(page)) == 1
    # The first page of someone else may be the console's.
    session = str(olga.client.session.session_key)
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    page.goto("/admin/parties/")
    assert drafts(page) == []
    # An officer signs out from the console.
    page.goto(path)
    page.fill("#id_answer_body", "Half an answer")
    page.goto("/admin/parties/")
    assert len(drafts(page)) == 1
    page.goto(str(page.locator(".o-me a", has_text="Sign out").get_attribute("href")))
    page.get_by_role("button", name="Sign out").last.click()
    page.wait_for_url(lambda url: "logout" not in url)
    assert drafts(page) == []


CASE = ("", "reveal/", "stop/", "suspend/", "move/?to=solved", "priority/", "escalate/", "handling/", "copy/", "write/")


@pytest.mark.parametrize(("width", "scheme"), [*drawn([(1280, "dark"), (390, "light")], of=2)])
def test_a_case_and_each_of_its_forms(visit: Visit, width: int, scheme: str) -> None:
    console = everything()
    look_up = Disclosure.objects.get(line_id=console.line.pk, source_id="GeoBridge-1")
    case = a_case(console.line, about=str(look_up.id), priority=1, language="ar")
    said(case, "Verylongwordwithoutanyspace" * 6)
    page, found = visit(member=staff(User.Role.AGENT), width=width, scheme=scheme).new_page(), list[str]()
    for form in drawn(CASE, of=2):
        page.goto(f"/desk/{case.code}/{form}")
        assert page.locator("h1").count() == 1, form
        found += faults(page, form)
        if form == "handling/" and width > 1000:
            assert len({box["y"] for one in page.locator(".desk-acts > *").all() if (box := one.bounding_box())}) == 1
    assert found == []


def test_many_saved_views_leave_the_first_case_where_it_was(visit: Visit) -> None:
    full()
    agent = staff(User.Role.AGENT)
    page, tops = visit(member=agent, width=390).new_page(), list[float]()
    for n in range(20):
        name = f"{n} escalated cases in Spanish about one company, due last"
        SavedView.objects.create(user=agent.user, page="desk", name=name, query=f"language=es&after={n}")
        if n in {0, 19}:
            page.goto("/desk/")
            box = page.locator("[data-case]").first.bounding_box()
            assert box is not None
            tops.append(box["y"])
    assert tops[0] == tops[1]
    assert not page.evaluate(TOO_WIDE)
    # The last is a swipe or a Tab away, and beside them all stands the way to change them.
    page.get_by_role("link", name="19 escalated").focus()
    expect(page.get_by_role("link", name="19 escalated")).to_be_in_viewport()
    expect(page.get_by_role("link", name="Saved views")).to_be_in_viewport()
