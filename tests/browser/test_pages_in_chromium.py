"""What only a browser can tell: accessibility, layout, bytes, keyboard, scripts on and off."""

from datetime import timedelta
from io import BytesIO
from itertools import chain, product
from unicodedata import normalize

import pytest
from django.utils import timezone
from playwright.sync_api import Page
from pypdf import PdfReader

from accounts.primitives.zones import zone_of
from consent.actions import choices
from partners.models import Dealing
from revocations.models import DownstreamReport, Order, State
from tests.browser.conftest import Visit
from tests.browser.looking import AXE, OF_WORDS, Looking, violations
from tests.browser.pages import NOT_VISITED, PAGES, a_walk
from tests.browser.pages import Visit as Visited
from tests.browser.release import WIDTHS
from tests.browser.states import MAKERS, a_life, errors, languages
from tests.factories import a_line, a_party
from tests.orders import bring_to
from tests.selection import drawn
from tests.walks.addresses import patterns
from tests.world import a_world, disclosed

pytestmark = pytest.mark.browser


def move(line_id: int, state: str) -> None:
    """Put the line's orders into a state that needs no more pushing."""
    at = timezone.now()
    done = {State.COMPLETED: {"completed_at": at}}.get(State(state), {})
    moved = Order.objects.filter(line_id=line_id).exclude(state=State.SUPERSEDED)
    if done:
        DownstreamReport.objects.bulk_create(
            DownstreamReport(
                line_id=line_id, order_id=order.id, party_uri=dealing.party.uri, status=state, at=at, signed=True
            )
            for order in moved
            for dealing in Dealing.objects.filter(line_id=line_id, aggregator_id=order.party_id).select_related("party")
        )
    bring_to(state, moved, sent_at=at, acknowledged_at=at, **done)


def test_every_address_is_visited_or_says_why_not() -> None:
    visited = [name for names in PAGES.values() for name in names]
    assert len(visited) == len({*visited})
    assert {name for name, _ in patterns()} == {*visited, *NOT_VISITED}
    assert NOT_VISITED.isdisjoint(visited)


def test_every_page_in_every_light_and_width_weighs_little_and_asks_nobody_else(visit: Visit, site: str) -> None:
    """One visit each, with nothing kept from the one before."""
    page = Looking(visit().new_page(), site)
    found = [fault for one in drawn(a_walk().visits(), of=5) for fault in page.faults(one)]
    assert found == []


@pytest.mark.nightly
def test_every_page_in_every_other_language(visit: Visit, site: str) -> None:
    """Each page once in each, by the rules that words can break: the others were looked at above."""
    walk = [*a_walk().visits()]
    found: list[str] = []
    for language in languages():
        page = Looking(visit(language=language).new_page(), site)
        for one in walk:
            faults = [*page.opened(one, afresh=False), *page.too_wide(one, *WIDTHS[:1]), *page.axe(one, OF_WORDS)]
            found += [f"{language}: {fault}" for fault in faults]
    assert found == []


def test_every_state_of_every_page(visit: Visit, site: str) -> None:
    """First time, empty, wrong, partners that are away, very long: in English and light."""
    page = Looking(visit().new_page(), site)
    found: list[str] = []
    for one in chain.from_iterable(make() for make in drawn(MAKERS, of=3)):
        page.put_into(one)
        found += [f"{one.state}: {fault}" for fault in (*page.too_wide(one, *WIDTHS[:2]), *page.axe(one))]
    assert found == []


def test_a_page_of_an_error_is_shown_in_each_language() -> None:
    for one in errors():
        shown = {language for language, body in one.bodies.items() if f'<html lang="{language}"' in body}
        assert shown == {"en", *languages()}, one.state


def test_axe_is_in_every_page_and_tells_what_is_wrong(visit: Visit, site: str) -> None:
    page, front = Looking(visit().new_page(), site), Visited("front", "/", {})
    page.opened(front)
    assert page.axe(front) == []
    page.page.evaluate("document.querySelector('main').append(document.createElement('img'))")
    assert page.axe(front) == ["/ image-alt: <img>"]


def on_paper(page: Page) -> list[str]:
    """What is printed of a page as it stands, sheet by sheet, each in one line."""
    sheets = PdfReader(BytesIO(page.pdf())).pages
    # Two letters that are drawn as one are read as one.
    return [normalize("NFKC", " ".join(sheet.extract_text().split())) for sheet in sheets]


def test_stop_all_with_the_keyboard_alone(visit: Visit) -> None:
    world = a_world(at=timezone.now())
    page = visit(line=world.line, script=False).new_page()
    page.goto("/home/")
    stop = page.locator("[name=stop-all]").bounding_box()
    assert stop is not None
    assert stop["y"] + stop["height"] < 844  # the answer and what to do, without scrolling
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "stop-all":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/choices/*/")
    assert "All sharing has been off since" in page.inner_text("h1")


def test_the_progress_moves_by_itself_with_a_script_and_by_a_reload_without(visit: Visit) -> None:
    line = a_life()
    made = choices.stop(line_id=line.pk, scope="all", actor="subscriber:1", channel="web")
    moving = visit(line=line).new_page()
    # It looks again after a few seconds of the browser's clock.
    moving.clock.install()
    still = visit(line=line, script=False).new_page()
    for page in (moving, still):
        page.goto(f"/choices/{made.choice_id}/")
        assert page.get_attribute("[data-order-state] >> nth=0", "data-order-state") == "queued"
    ask = moving.get_attribute(".ask-about >> nth=0", "id")
    moving.focus(f"#{ask}")
    as_of = moving.inner_text("#progress > p.small")
    moving.clock.fast_forward(5_000)
    with moving.expect_response("**/progress/?seen=*") as same:
        moving.clock.fast_forward(5_000)
    assert (same.value.status, moving.inner_text("#progress > p.small")) == (204, as_of)
    assert moving.inner_text("[role=status]#progress-news") == ""
    move(line.pk, State.ACKNOWLEDGED)
    moving.clock.fast_forward(5_000)
    moving.wait_for_selector('[data-order-state="acknowledged"]', timeout=10_000)
    # A screen reader is told, and whoever was on a link is still there.
    assert moving.inner_text("[role=status]#progress-news") == "Message received by 2 of 2 partners."
    assert moving.evaluate("document.activeElement.id") == ask
    assert still.get_attribute("[data-order-state] >> nth=0", "data-order-state") == "queued"
    still.reload()
    assert still.get_attribute("[data-order-state] >> nth=0", "data-order-state") == "acknowledged"
    move(line.pk, State.COMPLETED)
    moving.clock.fast_forward(5_000)
    moving.wait_for_selector('[data-order-state="completed"]', timeout=10_000)
    assert moving.inner_text("[role=status]#progress-news") == "Signed by 2 of 2 partners."
    assert moving.get_attribute("#progress", "hx-get") is None


def test_home_folds_companies_away_for_eyes_keyboard_and_reader_and_not_on_paper(visit: Visit) -> None:
    world = a_world(at=timezone.now())
    road = f"#company-{world.roadaid.lbs_provider_id}"
    for width, shorter in ((390, 2500), (1280, 800)):
        page = visit(line=world.line, script=False, width=width).new_page()
        page.goto("/home/")
        low = page.evaluate("document.documentElement.scrollHeight")
        assert not page.locator(f"{road} [name=stop]").is_visible()
        fold = page.locator("details.fold", has=page.locator(road)).locator("> summary")
        assert fold.inner_text() == "4 more companies\nFamilyRing, FraudShield, AdReach, RoadAid"
        printed = " ".join(on_paper(page))
        assert [name for name in ("RoadAid", "MedAlert") if f"If you stop it, {name} can" not in printed] == []
        assert "4 more companies" not in printed
        fold.focus()
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        assert page.locator(f"{road} [name=stop]").is_visible()
        page.evaluate("document.querySelectorAll('details.fold').forEach(one => one.open = true)")
        assert page.evaluate("document.documentElement.scrollHeight") - low > shorter
        # An address that names a company opens where it is.
        page.goto("about:blank")
        page.goto(f"/home/{road}")
        assert page.locator(f"{road} [name=stop]").is_visible()


def test_a_long_history_on_paper_is_what_was_open_on_the_page(visit: Visit) -> None:
    # Within one day where the line is.
    line, at = a_line(), timezone.now().astimezone(zone_of("WA")).replace(hour=12)
    for day in range(70):
        disclosed(line, [a_party().uri], at=at - timedelta(days=day + 1), n=1 + day % 3)
    page = visit(line=line, script=False).new_page()
    page.goto("/history/")
    assert page.locator(".way").count() == 16
    # What asks for more is within the first 3,000 pixels of a phone, whatever the history.
    page.set_viewport_size({"width": 390, "height": 800})
    pager = "document.querySelector('.pager').getBoundingClientRect().top"
    assert page.evaluate(pager) < 3000
    page.goto("/history/?only=looked")
    assert (page.locator(".filters").is_visible(), page.evaluate(pager) < 3000) == (False, True)
    page.goto("/history/")
    assert not page.locator(".on-paper").is_visible()
    sheets = on_paper(page)
    printed = " ".join(sheets)
    assert (len(sheets) < 15, printed.count("Path"), printed.count("knows where the phone is")) == (True, 0, 0)
    assert printed.count("You allowed it") == 16
    said = "Folded parts of the page are not printed. "
    part, download = "This is only part of the history. ", "The download lists each look-up."
    assert said + part + download in printed
    page.locator(".way summary").first.click()
    printed = " ".join(on_paper(page))
    assert (printed.count("Path"), printed.count("knows where the phone is")) == (1, 1)
    # To print a page that is still coming is to print a part of it.
    with page.expect_navigation():
        page.get_by_role("link", name="Older").click()
    assert said + part + download in " ".join(on_paper(page))


def test_a_whole_history_on_paper_is_not_called_a_part(visit: Visit) -> None:
    line, geo = a_line(), a_party()
    disclosed(line, [geo.uri], at=timezone.now() - timedelta(days=1))
    page = visit(line=line, script=False).new_page()
    for path, is_part in (("/history/", False), ("/history/?since=2001-01-01", True)):
        page.goto(path)
        printed = " ".join(on_paper(page))
        assert "Folded parts of the page" in printed
        assert ("only part of the history" in printed) is is_part


def test_home_is_accessible_folded_up_too(visit: Visit) -> None:
    world = a_world(at=timezone.now())
    for scheme, language, width in drawn(product(("light", "dark"), ("en", "ar"), (390, 1280)), of=3):
        page = visit(line=world.line, scheme=scheme, language=language, width=width).new_page()
        page.goto("/home/")
        page.evaluate(AXE)
        wide = page.evaluate("document.documentElement.scrollWidth") > width
        assert (scheme, language, width, wide, violations(page)) == (scheme, language, width, False, [])


BEYOND = (
    "all => all.map(one => one.getBoundingClientRect()).filter(one => one.left < 0 || one.right > innerWidth).length"
)


def test_on_a_phone_the_bar_shows_all_its_links_and_no_page_opens_further_down(visit: Visit) -> None:
    world = a_world(at=timezone.now())
    for language, width in drawn(product(("en", "es", "ar"), (320, 390)), of=2):
        page = visit(line=world.line, language=language, width=width).new_page()
        for path in ("/home/", "/help/", "/access-log/companies/"):
            page.goto(path)
            page.locator(".nav summary").click()
            beyond = page.eval_on_selector_all(".nav a", BEYOND)
            found = (language, width, path, beyond, page.locator(".nav a").count(), page.evaluate("scrollY"))
            assert found == (language, width, path, 0, 7, 0)


def test_buttons_of_one_choice_weigh_the_same_and_what_one_does_with_a_receipt_stands_in_one_row(visit: Visit) -> None:
    world = a_world(at=timezone.now())
    made = choices.stop(line_id=world.line.pk, scope="all", actor="subscriber:1", channel="web")
    page = visit(line=world.line).new_page()
    page.goto("/home/")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    rows = page.query_selector_all(".card .row")
    assert rows != []
    for row in rows:
        boxes = [box for button in row.query_selector_all("button") if (box := button.bounding_box())]
        assert len({(round(box["width"]), round(box["height"])) for box in boxes}) == 1
        assert min(box["height"] for box in boxes) >= 44
    page.goto(f"/choices/{made.choice_id}/receipt/")
    download, print_ = (page.locator("main .row > *").nth(n).bounding_box() for n in (0, 1))
    assert download is not None
    assert print_ is not None
    assert (download["y"], download["height"]) == (print_["y"], print_["height"])
    assert download["x"] + download["width"] < print_["x"] < 390


def test_a_receipt_begins_where_arabic_begins_and_its_time_is_not_turned_round(visit: Visit) -> None:
    world = a_world(at=timezone.now())
    made = choices.stop(line_id=world.line.pk, scope="all", actor="subscriber:1", channel="web")
    page = visit(line=world.line, language="ar").new_page()
    page.goto(f"/choices/{made.choice_id}/receipt/")
    heading, number = (page.locator(one).bounding_box() for one in ("h1", ".receipt-number"))
    assert heading is not None
    assert number is not None
    assert number["x"] > heading["x"]
    assert number["x"] + number["width"] == heading["x"] + heading["width"]
    time = page.locator(".facts bdi", has_text=f"{made.made_at:%Y-%m-%d %H:%M:%S} UTC")
    assert time.evaluate("one => getComputedStyle(one).direction") == "ltr"
