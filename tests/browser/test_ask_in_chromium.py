"""A company's question in a real browser: no script, 390 and 1280 px, light and dark, very long names."""

import os
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page

from accounts.clients.texts import MemoryBackend
from consent.models import Choice
from partners.models import Reach
from tests.browser.conftest import Visit
from tests.browser.looking import AXE, LIMIT, violations, weighed
from tests.consent.claiming import Partner, a_partner, asked, link_in, text_now
from tests.factories import a_line, a_party
from tests.selection import drawn

pytestmark = pytest.mark.browser

NUMBER = "+12065550142"
LONG = "Compañía Norteamericana de Asistencia en Carretera, Localización y Recuperación de Vehículos " + "W" * 90
SHOTS = os.environ.get("SCREENSHOTS", "")


@pytest.fixture
def asking(site: str) -> str:
    """The path of a question with the longest of everything."""
    del site
    partner: Partner = a_partner(provider=LONG)
    Reach.objects.create(campaign=partner.campaign, party=a_party("BailNow " + "z" * 80, "end_customer"))
    a_line(msisdn=NUMBER)
    wording = "Sí, acepto que la compañía reciba la ubicación de mi teléfono cuando llame. " * 8
    assert partner.one(partner.claim(wording=wording))[1]["status"] == "accepted"
    assert text_now() == 1
    return link_in(asked(NUMBER)[0])


def look(page: Page, name: str) -> None:
    """Nothing sticks out sideways. A picture is kept where SCREENSHOTS names a folder."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


def press(button: Locator) -> None:
    """Press it and wait for the page that it leads to: until that stands, there may be no page at all to look at."""
    with button.page.expect_navigation():
        button.click()


def proved(context: BrowserContext, path: str) -> Page:
    page = context.new_page()
    page.goto(path)
    press(page.get_by_role("button", name="Text me a code"))
    page.fill("input[name=code]", MemoryBackend.outbox[-1].code)
    with page.expect_navigation(url=f"**{path}"):
        page.press("input[name=code]", "Enter")
    return page


@pytest.mark.parametrize(("width", "scheme"), [*drawn(product((390, 1280), ("dark", "light")), of=4)])
def test_the_pages_fit_and_need_no_script(visit: Visit, asking: str, width: int, scheme: str) -> None:
    context = visit(width=width, scheme=scheme, script=False)
    page = context.new_page()
    page.goto(asking)
    look(page, f"question-{width}-{scheme}")
    page = proved(context, asking)
    look(page, f"answer-{width}-{scheme}")
    yes, no = (page.get_by_role("button", name=name, exact=True).bounding_box() for name in ("Yes", "No"))
    assert yes is not None
    assert no is not None
    assert (round(yes["width"]), round(yes["height"])) == (round(no["width"]), round(no["height"]))
    press(page.get_by_role("button", name="Yes", exact=True))
    look(page, f"confirm-{width}-{scheme}")
    assert Choice.objects.count() == 0
    press(page.get_by_role("button", name="No, don't allow it", exact=True))
    look(page, f"answered-{width}-{scheme}")
    assert Choice.objects.get().kind == "refuse"
    page.goto(asking)
    look(page, f"closed-{width}-{scheme}")
    assert page.locator("h1").inner_text() == "This question is not open"


def test_a_first_visit_weighs_little_and_asks_nobody_else(visit: Visit, asking: str, site: str) -> None:
    hosts, weight = weighed(visit().new_page(), asking)
    assert hosts == {urlsplit(site).netloc}
    assert 0 < weight <= LIMIT


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.nightly)])
def test_axe_finds_nothing(visit: Visit, asking: str, scheme: str) -> None:
    context = visit(scheme=scheme)
    page = proved(context, asking)
    paths = (asking, f"{asking}code/", f"{asking}yes/", "/ask/no-such-token/")
    stranger = visit(scheme=scheme).new_page()
    assert [faults for path in paths for faults in found(page, path)] == []
    assert found(stranger, asking) == []
    page.goto(f"{asking}yes/")
    press(page.locator("main form[action$='/yes/'] button"))
    assert _axe(page) == []
    assert Choice.objects.get().kind == "allow"


def found(page: Page, path: str) -> list[str]:
    page.goto(path)
    return [f"{path}: {fault}" for fault in _axe(page)]


def _axe(page: Page) -> list[str]:
    page.evaluate(AXE)
    return violations(page)
