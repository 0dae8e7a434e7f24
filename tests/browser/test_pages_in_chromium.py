"""What only a browser can tell: accessibility, layout, bytes, keyboard, scripts on and off."""

from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from io import BytesIO
from itertools import chain, product
from unicodedata import normalize
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import ConsoleMessage, Page, Request
from pypdf import PdfReader

from accounts.primitives.zones import zone_of
from consent.actions import choices
from partners.models import Dealing
from revocations.models import DownstreamReport, Order, State
from tests.browser.conftest import Visit
from tests.browser.pages import NOT_VISITED, PAGES, a_walk
from tests.browser.pages import Visit as Visited
from tests.browser.release import WIDTHS
from tests.browser.states import MAKERS, Shown, a_life, errors, languages
from tests.factories import a_line, a_party
from tests.orders import bring_to
from tests.selection import NIGHTLY, drawn
from tests.walks.addresses import patterns
from tests.world import a_world, disclosed

pytestmark = pytest.mark.browser

LIMIT = 40_000
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
# Only what is wrong is described node by node: to describe all that is right takes a third of the time.
LOOK = """axe.run({resultTypes: ["violations"], ...%s}).then(
    all => [all.passes.length, all.violations.map(one => [one.id, one.nodes[0].html])])"""

# The rules whose answer may differ from language to language.
OF_WORDS = """{runOnly: ["html-has-lang", "html-lang-valid", "valid-lang", "document-title", "button-name", "link-name",
"label", "target-size", "landmark-unique", "aria-command-name", "scrollable-region-focusable", "heading-order"]}"""


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
    found = [fault for one in drawn(a_walk().visits(), of=3) for fault in page.faults(one)]
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


@dataclass
class Looking:
    """One page of one browser, that becomes each visitor in turn."""

    page: Page
    site: str
    told: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    weight: float = 0

    def __post_init__(self) -> None:
        self.page.add_init_script(AXE)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.told.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self.wire = self.page.context.new_cdp_session(self.page)
        self.wire.send("Network.enable")
        self.wire.on("Network.loadingFinished", self._arrived)
        self.language = next(one for one in self.page.context.cookies() if one["name"] == "django_language")

    def faults(self, visit: Visited) -> list[str]:
        """All that is wrong with a page at a first visit: light on a phone, and by night dark on a desk too."""
        found = self.opened(visit)
        if not 0 < self.weight <= LIMIT:
            found.append(f"{visit.path} weighs {self.weight:.0f} bytes")
        if self.hosts != {urlsplit(self.site).netloc}:
            found.append(f"{visit.path} asks {sorted(self.hosts)}")
        found += [f"{visit.path} tells: {one}" for one in self.told]
        found += self.too_wide(visit) + self.axe(visit)
        if not NIGHTLY:
            return found
        self.page.set_viewport_size({"width": 1280, "height": 844})
        self.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        return found + [f"dark: {fault}" for fault in self.axe(visit)]

    def looks(self, light: str, width: int) -> list[str]:
        """What is wrong with the page as it stands in one light (`forced`: a person's own few colours) and width."""
        self.page.emulate_media(
            color_scheme="dark" if light == "dark" else "light", forced_colors="active" if light == "forced" else "none"
        )
        self.page.set_viewport_size({"width": width, "height": 844})
        needed = self.page.evaluate("document.documentElement.scrollWidth")
        return [*([f"needs {needed} px of {width}"] if needed > width else []), *violations(self.page)]

    def put_into(self, shown: Shown) -> list[str]:
        """Bring the page into a state as whoever is in it. What went wrong on the way."""
        context = self.page.context
        context.clear_cookies()
        cookies = {**shown.cookies, self.language["name"]: self.language["value"]}
        context.add_cookies([{"name": name, "value": value, "url": self.site} for name, value in cookies.items()])
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce", forced_colors="none")
        self.page.set_viewport_size({"width": 390, "height": 844})
        if shown.bodies:
            body = shown.bodies[str(self.language["value"])]
            self.page.route(f"**{shown.path}", lambda route: route.fulfill(body=body, content_type="text/html"))
        self.page.goto(shown.path, wait_until="load")
        for name, typed in shown.form:
            self.page.fill(f"main [name={name}]", typed)
        if shown.form:
            # What the browser itself would hold back is told by the page as well.
            self.page.evaluate("document.querySelector('main form').noValidate = true")
            self.page.click("main form button.main")
            self.page.wait_for_selector("main .error, main .notice.bad, main [role=alert]")
        self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        return []

    def opened(self, visit: Visited, *, afresh: bool = True) -> list[str]:
        """Go there as that visitor. `afresh`: nothing is kept. A page that sends elsewhere was not visited."""
        context = self.page.context
        if afresh:
            self.page.goto("about:blank")
            self.wire.send("Network.clearBrowserCache")
        context.clear_cookies()
        cookies = {**visit.cookies, self.language["name"]: self.language["value"]}
        context.add_cookies([{"name": name, "value": value, "url": self.site} for name, value in cookies.items()])
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce", forced_colors="none")
        self.page.set_viewport_size({"width": 390, "height": 844})
        self.told.clear()
        self.hosts.clear()
        self.weight = 0
        answer = self.page.goto(visit.path, wait_until="load")
        assert answer is not None
        status, came_to = 404 if visit.name == "404" else 200, self.page.url.removeprefix(self.site)
        if (answer.status, came_to) != (status, visit.path):
            return [f"{visit.name}: {answer.status} at {came_to} instead of {visit.path}"]
        self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        return []

    def too_wide(self, visit: Visited | Shown, *widths: int) -> list[str]:
        """At which widths (all, where none is named) something sticks out sideways."""
        found = []
        for width in widths or WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 844})
            needed = self.page.evaluate("document.documentElement.scrollWidth")
            if needed > width:
                found.append(f"{visit.path} needs {needed} px of {width}")
        self.page.set_viewport_size({"width": 390, "height": 844})
        return found

    def axe(self, visit: Visited | Shown, options: str = "{}") -> list[str]:
        """What axe finds on the page as it stands, everything on it unfolded."""
        return [f"{visit.path} {one}" for one in violations(self.page, options)]

    def _console(self, message: ConsoleMessage) -> None:
        """A blocked script or style is told there. So is a status that is no success, which one page must have."""
        if message.type in {"error", "warning"} and "status of 404" not in message.text:
            self.told.append(message.text)

    def _arrived(self, event: dict[str, float]) -> None:
        self.weight += event["encodedDataLength"]


def violations(page: Page, options: str = "{}") -> list[str]:
    """Where axe was put into the page: the rules that are broken, each with the first place of it."""
    looked, found = page.evaluate(LOOK % options)
    assert looked > (4 if options == OF_WORDS else 10), "axe did not look"
    return [f"{rule}: {html[:120]}" for rule, html in found]


def on_paper(page: Page) -> list[str]:
    """What is printed of a page as it stands, sheet by sheet, each in one line."""
    sheets = PdfReader(BytesIO(page.pdf())).pages
    # Two letters that are drawn as one are read as one.
    return [normalize("NFKC", " ".join(sheet.extract_text().split())) for sheet in sheets]


def weighed(page: Page, path: str) -> tuple[set[str], float]:
    """The hosts that a first visit asks, and the bytes that come over the wire."""
    hosts: set[str] = set()
    bytes_seen: list[float] = []

    def asked(request: Request) -> None:
        hosts.add(urlsplit(request.url).netloc)

    def arrived(event: dict[str, float]) -> None:
        bytes_seen.append(event["encodedDataLength"])

    page.on("request", asked)
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.on("Network.loadingFinished", arrived)
    page.goto(path, wait_until="networkidle")
    return hosts, sum(bytes_seen)


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
    assert "All sharing is off." in page.inner_text("h1")


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
    move(line.pk, State.ACKNOWLEDGED)
    moving.clock.fast_forward(5_000)
    moving.wait_for_selector('[data-order-state="acknowledged"]', timeout=10_000)
    assert still.get_attribute("[data-order-state] >> nth=0", "data-order-state") == "queued"
    still.reload()
    assert still.get_attribute("[data-order-state] >> nth=0", "data-order-state") == "acknowledged"
    move(line.pk, State.COMPLETED)
    moving.clock.fast_forward(5_000)
    moving.wait_for_selector('[data-order-state="completed"]', timeout=10_000)
    assert moving.get_attribute("#progress", "hx-get") is None


def test_home_folds_companies_away_for_eyes_keyboard_and_reader_and_not_on_paper(visit: Visit) -> None:
    world = a_world(at=timezone.now())
    road = f"#company-{world.roadaid.lbs_provider_id}"
    for width, shorter in ((390, 2500), (1280, 800)):
        page = visit(line=world.line, script=False, width=width).new_page()
        page.goto("/home/")
        low = page.evaluate("document.documentElement.scrollHeight")
        assert not page.locator(f"{road} [name=stop]").is_visible()
        fold = page.locator("details.fold", has=page.locator(road)).locator("summary")
        assert fold.inner_text() == "3 more companies\nFraudShield, AdReach, RoadAid"
        printed = " ".join(on_paper(page))
        assert [name for name in ("RoadAid", "MedAlert") if f"If you stop it, {name} can" not in printed] == []
        assert "3 more companies" not in printed
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
    assert page.locator(".way").count() == 60
    assert not page.locator(".on-paper").is_visible()
    sheets = on_paper(page)
    printed = " ".join(sheets)
    assert (len(sheets) < 15, printed.count("The way it went"), printed.count("knows where the phone is")) == (
        True,
        0,
        0,
    )
    assert printed.count("You allowed it") == 60
    said = "What was not open on the page is not on this paper. "
    part, download = "This is only a part of the history. ", "The download lists every single moment."
    assert said + part + download in printed
    page.locator(".way summary").nth(7).click()
    printed = " ".join(on_paper(page))
    assert (printed.count("The way it went"), printed.count("knows where the phone is")) == (1, 1)
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
        assert "What was not open on the page" in printed
        assert ("only a part of the history" in printed) is is_part


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
