"""A page as a browser shows it: what axe finds wrong, what is too wide, what it weighs and whom it asks."""

import re
from dataclasses import dataclass, field
from importlib.resources import files
from math import ceil
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

from playwright.sync_api import ConsoleMessage, Page, Request

from tests.browser.pages import Visit as Visited
from tests.browser.release import WIDTHS
from tests.browser.states import Shown
from tests.selection import EVERY_CELL, NIGHTLY, SEED
from tests.words.transcripts import masked

LIMIT = 40_000
# Slow 3G: 400 kbit/s, 400 ms there and back; a browser asks for six files at once, after the page itself.
BYTES_A_SECOND, ROUND_TRIP, AT_ONCE, SECONDS = 50_000, 0.4, 6, 3
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()

# Only what is wrong is described node by node: to describe all that is right takes a third of the time.
LOOK = """axe.run({resultTypes: ["violations"], ...%s}).then(
    all => [all.passes.length, all.violations.map(one => [one.id, one.nodes[0].html])])"""

# What a screen reader names on its way through a page; what it can only use by a name.
NAMED = {"link", "button", "textbox", "checkbox", "radio", "combobox", "heading"}
SPOKEN = NAMED | {"main", "region", "form", "alert", "status", "DisclosureTriangle", "table", "image", "progressbar"}
UNSAID = {None, "false", "", False}
VARIES = re.compile(
    r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z.]* \d+"
    r"(?:, \d{4})?(?:, \d+(?::\d+)* [AP]M)?|(?:\d+:)+\d+ [AP]M|\d+"
)

# The rules whose answer may differ from language to language.
OF_WORDS = """{runOnly: ["html-has-lang", "html-lang-valid", "valid-lang", "document-title", "button-name", "link-name",
"label", "target-size", "landmark-unique", "aria-command-name", "scrollable-region-focusable", "heading-order"]}"""


# Colours are those of a few style sheets, and to compare them on one page takes four times as long as all other rules.
WITHOUT_CONTRAST = """{rules: {"color-contrast": {enabled: false}}}"""
CONTRAST_TURNS = 4


@dataclass
class Looking:
    """One page of one browser, that becomes each visitor in turn."""

    page: Page
    site: str
    told: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    weight: float = 0
    files: int = 0

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
        slowly = self.weight / BYTES_A_SECOND + ROUND_TRIP * (2 + ceil(self.files / AT_ONCE))
        if slowly > SECONDS:
            found.append(f"{visit.path} takes {slowly:.1f} s on slow 3G")
        if self.hosts != {urlsplit(self.site).netloc}:
            found.append(f"{visit.path} asks {sorted(self.hosts)}")
        found += [f"{visit.path} tells: {one}" for one in self.told]
        found += self.too_wide(visit) + self.axe(visit)
        if not NIGHTLY:
            return found
        self.page.set_viewport_size({"width": 1280, "height": 844})
        self.page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        found += [f"dark: {fault}" for fault in self.axe(visit)]
        return found + [f"forced colours: {fault}" for fault in self.looks("forced", WIDTHS[0])]

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
        self.weight = self.files = 0
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

    def axe(self, visit: Visited | Shown, options: str = "") -> list[str]:
        """What axe finds on the page as it stands, everything on it unfolded."""
        return [f"{visit.path} {one}" for one in violations(self.page, options)]

    def _console(self, message: ConsoleMessage) -> None:
        """A blocked script or style is told there. So is a status that is no success, which one page must have."""
        if message.type in {"error", "warning"} and "status of 404" not in message.text:
            self.told.append(message.text)

    def _arrived(self, event: dict[str, float]) -> None:
        self.weight += event["encodedDataLength"]
        self.files += 1


def heard(page: Page) -> list[str]:
    """What a screen reader says of the main part of a page: each part, heading, link, button and field, and its state.

    By Chromium's own accessibility tree. Figures and dates are left out: they differ from run to run.
    """
    wire = page.context.new_cdp_session(page)
    nodes = {one["nodeId"]: one for one in wire.send("Accessibility.getFullAXTree")["nodes"]}
    wire.detach()
    waiting = [next(key for key, one in nodes.items() if one.get("role", {}).get("value") == "main")]
    lines = []
    while waiting:
        node = nodes[waiting.pop()]
        waiting += [one for one in reversed(node.get("childIds", [])) if one in nodes]
        role = node.get("role", {}).get("value")
        if not node["ignored"] and role in SPOKEN:
            lines.append(_spoken(role, node))
    return lines


def _spoken(role: str, node: dict[str, Any]) -> str:
    name = node.get("name", {}).get("value", "")
    assert name or role not in NAMED, f"a {role} without a name"
    states = {one["name"]: one["value"].get("value") for one in node.get("properties", [])}
    said = [
        f"{one} {states[one]}" for one in ("level", "expanded", "checked", "invalid") if states.get(one) not in UNSAID
    ]
    said += ["required"] if states.get("required") else []
    return " ".join([role, *said, *([f"“{VARIES.sub('‹n›', masked(name)).strip()}”"] if name else [])])


def violations(page: Page, options: str = "") -> list[str]:
    """Where axe was put into the page: the rules that are broken, each with the first place of it.

    By day colours are compared on the pages whose title has its turn.
    """
    turn = (SEED + crc32(page.title().encode())) % CONTRAST_TURNS == 0
    options = options or ("{}" if EVERY_CELL or turn else WITHOUT_CONTRAST)
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
