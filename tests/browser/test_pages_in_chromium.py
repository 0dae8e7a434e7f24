"""What only a browser can tell: accessibility, layout, bytes, keyboard, scripts on and off."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

from consent import actions
from revocations.models import Order, State
from tests.browser.pages import NOT_VISITED, PAGES, a_walk
from tests.browser.pages import Visit as Visited
from tests.factories import a_line
from tests.orders import bring_to
from tests.walks.addresses import patterns
from tests.world import a_world

pytestmark = pytest.mark.browser

type Visit = Callable[..., BrowserContext]
LIMIT = 40_000
WIDTHS = (320, 390, 1280)  # 320 px is a page of 1280 px at 400 % zoom
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
LOOK = "axe.run().then(all => [all.passes.length, all.violations.map(one => [one.id, one.nodes[0].html])])"


def move(line_id: int, state: str) -> None:
    """Put the line's orders into a state that needs no more pushing."""
    at = timezone.now()
    done = {State.COMPLETED: {"completed_at": at}}.get(State(state), {})
    moved = Order.objects.filter(line_id=line_id).exclude(state=State.SUPERSEDED)
    bring_to(state, moved, sent_at=at, acknowledged_at=at, **done)


def test_every_address_is_visited_or_says_why_not() -> None:
    visited = [name for names in PAGES.values() for name in names]
    assert len(visited) == len({*visited})
    assert {name for name, _ in patterns()} == {*visited, *NOT_VISITED}
    assert NOT_VISITED.isdisjoint(visited)


def test_every_page_in_every_light_and_width_weighs_little_and_asks_nobody_else(visit: Visit, site: str) -> None:
    """One visit each, with nothing kept from the one before."""
    page = Looking(visit().new_page(), site)
    found = [fault for one in a_walk().visits() for fault in page.faults(one)]
    assert found == []


def test_every_page_in_spanish(visit: Visit, site: str) -> None:
    page = Looking(visit(language="es").new_page(), site)
    found = [fault for one in a_walk().visits() for fault in (*page.opened(one), *page.too_wide(one), *page.axe(one))]
    assert found == []


@dataclass
class Looking:
    """One page of one browser, that becomes each visitor in turn."""

    page: Page
    site: str
    told: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    weight: float = 0

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.told.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        self.wire = self.page.context.new_cdp_session(self.page)
        self.wire.send("Network.enable")
        self.wire.on("Network.loadingFinished", self._arrived)
        self.language = next(one for one in self.page.context.cookies() if one["name"] == "django_language")

    def faults(self, visit: Visited) -> list[str]:
        """All that is wrong with a page at a first visit: light on a phone, then dark on a desk."""
        found = self.opened(visit)
        if not 0 < self.weight <= LIMIT:
            found.append(f"{visit.path} weighs {self.weight:.0f} bytes")
        if self.hosts != {urlsplit(self.site).netloc}:
            found.append(f"{visit.path} asks {sorted(self.hosts)}")
        found += [f"{visit.path} tells: {one}" for one in self.told]
        found += self.too_wide(visit) + self.axe(visit)
        self.page.set_viewport_size({"width": 1280, "height": 844})
        self.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        return found + [f"dark: {fault}" for fault in self.axe(visit)]

    def opened(self, visit: Visited) -> list[str]:
        """Go there as that visitor, with nothing kept from before. A page that sends elsewhere was not visited."""
        context = self.page.context
        self.page.goto("about:blank")
        context.clear_cookies()
        cookies = {**visit.cookies, self.language["name"]: self.language["value"]}
        context.add_cookies([{"name": name, "value": value, "url": self.site} for name, value in cookies.items()])
        self.wire.send("Network.clearBrowserCache")
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")
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

    def too_wide(self, visit: Visited) -> list[str]:
        """At which widths something sticks out sideways. Leaves the page as wide as the last."""
        found = []
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 844})
            needed = self.page.evaluate("document.documentElement.scrollWidth")
            if needed > width:
                found.append(f"{visit.path} needs {needed} px of {width}")
        self.page.set_viewport_size({"width": 390, "height": 844})
        return found

    def axe(self, visit: Visited) -> list[str]:
        """What axe finds on the page as it stands, everything on it unfolded."""
        return [f"{visit.path} {one}" for one in violations(self.page)]

    def _console(self, message: ConsoleMessage) -> None:
        """A blocked script or style is told there. So is a status that is no success, which one page must have."""
        if message.type in {"error", "warning"} and "status of 404" not in message.text:
            self.told.append(message.text)

    def _arrived(self, event: dict[str, float]) -> None:
        self.weight += event["encodedDataLength"]


def violations(page: Page) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    looked, found = page.evaluate(LOOK)
    assert looked > 10, "axe did not look"
    return [f"{rule}: {html[:120]}" for rule, html in found]


def test_axe_finds_nothing_where_there_is_nothing_or_all_is_off(visit: Visit) -> None:
    empty = a_line()
    page = visit(line=empty).new_page()
    assert [fault for path in ("/home/", "/history/", "/choices/") for fault in faults(page, path)] == []
    world = a_world(at=timezone.now())
    made = actions.stop(line_id=world.line.pk, scope="all", actor="subscriber:1", channel="web")
    page = visit(line=world.line).new_page()
    for state in (State.ACKNOWLEDGED, State.COMPLETED):
        move(world.line.pk, state)
        assert [fault for path in ("/home/", f"/choices/{made.choice_id}/") for fault in faults(page, path)] == []


def faults(page: Page, path: str) -> list[str]:
    """What axe finds on a page with everything on it unfolded."""
    page.goto(path)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    return [f"{path} {one}" for one in violations(page)]


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
    world = a_world(at=timezone.now() - timedelta(minutes=1))
    made = actions.stop(
        line_id=world.line.pk, scope="party", ref="https://securetrack.example", actor="subscriber:1", channel="web"
    )
    moving = visit(line=world.line).new_page()
    still = visit(line=world.line, script=False).new_page()
    for page in (moving, still):
        page.goto(f"/choices/{made.choice_id}/")
        assert page.get_attribute("[data-order-state]", "data-order-state") == "queued"
    move(world.line.pk, State.ACKNOWLEDGED)
    moving.wait_for_selector('[data-order-state="acknowledged"]', timeout=10_000)
    assert still.get_attribute("[data-order-state]", "data-order-state") == "queued"
    still.reload()
    assert still.get_attribute("[data-order-state]", "data-order-state") == "acknowledged"
    move(world.line.pk, State.COMPLETED)
    moving.wait_for_selector('[data-order-state="completed"]', timeout=10_000)
    assert moving.get_attribute("#progress", "hx-get") is None


def test_buttons_of_one_choice_weigh_the_same(visit: Visit) -> None:
    world = a_world(at=timezone.now())
    page = visit(line=world.line).new_page()
    page.goto("/home/")
    for row in page.query_selector_all(".card .row"):
        boxes = [box for button in row.query_selector_all("button") if (box := button.bounding_box())]
        assert len({(round(box["width"]), round(box["height"])) for box in boxes}) == 1
        assert min(box["height"] for box in boxes) >= 44


def test_what_one_does_with_a_receipt_stands_in_one_row(visit: Visit) -> None:
    world = a_world(at=timezone.now())
    made = actions.stop(line_id=world.line.pk, scope="all", actor="subscriber:1", channel="web")
    page = visit(line=world.line).new_page()
    page.goto(f"/choices/{made.choice_id}/receipt/")
    download, print_ = (page.locator("main .row > *").nth(n).bounding_box() for n in (0, 1))
    assert download is not None
    assert print_ is not None
    assert (download["y"], download["height"]) == (print_["y"], print_["height"])
    assert download["x"] + download["width"] < print_["x"] < 390
