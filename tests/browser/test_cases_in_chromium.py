"""Cases in a browser: the person who asks, and the agent who answers; with a script and without."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from support.domain import tickets
from support.models import Draft, Entry, SavedReply, Ticket
from support.workers import sending
from tests.browser.conftest import Visit
from tests.browser.looking import AXE, violations
from tests.factories import a_line
from tests.selection import NIGHTLY
from tests.support.officers import staff
from tests.world import a_world

pytestmark = pytest.mark.browser

SOON = timedelta(seconds=31)


@pytest.fixture
def replies_as_they_were(committed_db: None) -> Iterator[None]:
    """The database keeps what it was made with; how often a saved reply was used is counted there."""
    yield
    SavedReply.objects.update(used=0)


def is_clean(page: Page, *widths: int) -> None:
    """Nothing that axe finds (at every width by night, at the first by day), and nothing wider than the page."""
    for width in widths:
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url
        if NIGHTLY or width == widths[0]:
            page.evaluate(AXE)
            assert violations(page) == [], (page.url, width)


def sent(page: Page, selector: str) -> None:
    with page.expect_navigation():
        page.click(selector)


@pytest.mark.parametrize("script", [pytest.param(True, marks=pytest.mark.nightly), False], ids=["script", "no script"])
def test_who_asks_about_a_row_reads_the_answer_rates_it_and_opens_it_again(visit: Visit, *, script: bool) -> None:
    world = a_world(at=timezone.now())
    page = visit(line=world.line, script=script).new_page()
    page.goto("/history/")
    page.locator(".log details summary").first.click()
    sent(page, ".log details[open] a.ask-about")
    page.fill("[name=message]", "Who was that?")
    sent(page, "main button.main")
    code = page.inner_text(".receipt-number")
    sent(page, "main .row a.button:not(.quiet)")
    ticket = Ticket.objects.get(code=code)
    expect(page.locator(".state-of")).to_contain_text("We're working on it. Answer due by")
    tickets.answer(ticket=ticket, body="A tow truck.", actor="agent:1", then=Ticket.State.SOLVED, at=timezone.now())
    page.reload()
    expect(page.locator(".thread .ours .said")).to_have_text("A tow truck.")
    page.check("[name=rating][value='5']")
    sent(page, "#rate button")
    expect(page.locator("#rate .notice")).to_contain_text("You rated our answer 5 of 5.")
    page.fill("#write [name=message]", "And before?")
    sent(page, "#write button.main")
    expect(page.locator(".state-of")).to_contain_text("We're working on it.")
    ticket.refresh_from_db()
    assert (ticket.rating, ticket.reopened, ticket.state) == (5, 1, "open")


@pytest.mark.usefixtures("replies_as_they_were")
@pytest.mark.parametrize("script", [pytest.param(True, marks=pytest.mark.nightly), False], ids=["script", "no script"])
def test_an_agent_begins_an_answer_comes_back_to_it_sends_it_and_takes_it_back(visit: Visit, *, script: bool) -> None:
    now, ana = timezone.now(), staff("agent", name="ana")
    ticket = Ticket.objects.create(
        code="T-ABCDEF", kind="other", key="asked:T-ABCDEF", about="A question", opened_at=now, due_at=now,
        language="ar",
    )  # fmt: skip
    Entry.objects.create(
        ticket=ticket, kind="heard", author="subscriber:1", channel="web", at=now, body="من رأى هاتفي؟", language="ar"
    )
    page = visit(member=ana, script=script).new_page()
    page.goto(f"/desk/{ticket.code}/write/")
    if script:
        is_clean(page, 390, 1280)
    assert page.get_attribute("#id_answer_body", "lang") == "ar"
    assert page.evaluate("getComputedStyle(document.querySelector('.talk .said-body')).direction") == "rtl"
    page.locator("#id_answer_body").press_sequentially("Half")
    if script:
        expect(page.locator("#kept-answer")).to_contain_text("Draft saved.")
    else:
        sent(page, "button:has-text('Save draft') >> nth=0")
    page.goto(f"/desk/{ticket.code}/write/")
    assert page.input_value("#id_answer_body") == "Half"
    reply = SavedReply.objects.get(key="more-needed", language="ar")
    page.select_option("#id_canned", str(reply.pk))
    if script:
        # The page stays, and with it what is known of the case.
        page.locator("button:has-text('Insert')").click()
    else:
        sent(page, "button:has-text('Insert')")
    expect(page.locator("#id_answer_body")).to_have_value(f"Half\n\n{reply.body}")
    sent(page, "button:has-text('Preview')")
    assert f"/help/{ticket.code}/" in page.inner_text(".preview")
    page.fill("#id_answer_body", re.sub(r"\[.*?\]", "X", page.input_value("#id_answer_body")))
    page.check("[name=then][value=waiting]")
    sent(page, "button[name=send]")
    assert Draft.objects.get().send_at is not None
    if script:
        is_clean(page, 390, 1280)
    sent(page, "button:has-text('Take it back')")
    assert re.match("Half\n\nمرحبًا", page.input_value("#id_answer_body"))
    page.fill("#id_answer_body", "Done.")
    sent(page, "button[name=send]")
    assert sending.send(now=timezone.now() + SOON) == 1
    page.goto(f"/desk/{ticket.code}/write/")
    expect(page.locator(".talk .by-answer .said-body")).to_have_text("Done.")


def test_officers_pages_of_answers_written_often(visit: Visit) -> None:
    page = visit(member=staff("officer", name="olga")).new_page()
    for path in ("/desk/replies/", "/desk/replies/new/", f"/desk/replies/{SavedReply.objects.earliest('id').pk}/"):
        page.goto(path)
        is_clean(page, 390, 1280)


def test_a_case_is_its_persons_and_the_desks_and_nobody_elses(visit: Visit, site: str) -> None:
    world, now = a_world(at=timezone.now()), timezone.now()
    asked = visit(line=world.line).new_page()
    asked.goto("/help/write/?topic=other")
    asked.fill("[name=message]", "Who looked for me?")
    sent(asked, "main button.main")
    ticket = Ticket.objects.get()
    stranger, other = visit().new_page(), visit(line=a_line()).new_page()
    stranger.goto(f"/help/{ticket.code}/")
    assert stranger.url.startswith(f"{site}/accounts/login/")
    refused = other.goto(f"/help/{ticket.code}/")
    assert refused is not None
    assert refused.status == 404
    for page in (stranger, other):
        assert "Who looked for me?" not in page.content()
        for path in ("/desk/", f"/desk/{ticket.code}/"):
            page.goto(path)
            assert ticket.about not in page.inner_text("main")
    for role, may_answer in (("agent", True), ("officer", True), ("auditor", False)):
        page = visit(member=staff(role, name=role)).new_page()
        page.goto(f"/desk/{ticket.code}/")
        assert "Who looked for me?" in page.inner_text("main")
        assert (page.locator("#id_answer_body, a[href$='/write/']").count() > 0) is may_answer, role
    lead = visit(member=staff("officer", name="lead")).new_page()
    lead.goto("/desk/figures/")
    assert "1" in lead.inner_text("main")
    tickets.answer(ticket=ticket, body="A tow truck.", actor="agent:1", then=Ticket.State.SOLVED, at=now)
    asked.goto(f"/help/{ticket.code}/")
    expect(asked.locator(".thread .ours .said")).to_have_text("A tow truck.")
