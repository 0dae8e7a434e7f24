"""A page as a browser shows it: what axe finds wrong, what is too wide, what it weighs and whom it asks."""

from dataclasses import dataclass, field
from importlib.resources import files
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request

from tests.browser.pages import Visit as Visited
from tests.browser.release import WIDTHS
from tests.browser.states import Shown
from tests.selection import NIGHTLY

LIMIT = 40_000
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()

# Only what is wrong is described node by node: to describe all that is right takes a third of the time.
LOOK = """axe.run({resultTypes: ["violations"], ...%s}).then(
    all => [all.passes.length, all.violations.map(one => [one.id, one.nodes[0].html])])"""

# The rules whose answer may differ from language to language.
OF_WORDS = """{runOnly: ["html-has-lang", "html-lang-valid", "valid-lang", "document-title", "button-name", "link-name",
"label", "target-size", "landmark-unique", "aria-command-name", "scrollable-region-focusable", "heading-order"]}"""


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
